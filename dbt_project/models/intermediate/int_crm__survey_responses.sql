{{ config(materialized='ephemeral') }}

with told as (
    {{ input_rows('survey_responses', [
        "'inputs:' || survey_response_id as survey_response_id", 'survey', 'response_no', 'kind', 'account_id',
        'account as account_name', 'opportunity_id', 'cast(null as ' ~ type_text() ~ ') as opportunity_name',
        'cast(null as ' ~ type_text() ~ ') as case_id', 'case_no as case_name',
        'case when owner is null then owner_id end as owner_id', 'owner as owner_name', 'score', 'scale_min', 'scale_max',
        'length(comment) as comment_length', 'answered_on', 'cast(null as ' ~ type_text() ~ ') as source_record_status',
        'cast(null as ' ~ type_timestamp_tz() ~ ') as created_at', 'modified_at',
    ]) }}
)

{{ ledger_records('told', 'survey_response_key', 'survey_response_id', ledger_references('survey_responses')) }}
