{{ config(materialized='ephemeral') }}

with opportunities as (
    select * from {{ ref('fct_opportunity') }}
),

members as (
    select * from {{ ref('int_crm__opportunity_members') }}
),

documents as (
    {{ money_documents_unioned() }}
),

document_members as (
    select * from {{ ref('int_crm__document_members') }}
)

select
    'opportunity' as entity,
    opportunities.opportunity_key as record_key,
    members.opportunity_uid as record_uid,
    members.counted_opportunity_key as counted_record_key,
    members.is_duplicate,
    cast(null as {{ type_text() }}) as matched_by,
    opportunities.source_system,
    opportunities.source_id,
    case opportunities.status when 'open' then 'open_amount' when 'won' then 'won_amount' else 'lost_amount' end as metric,
    -- a stock is of the day it is counted on, a closing of its own
    {{ period_start('month', "case when opportunities.status = 'open' then as_of_date else closed_on end") }}
        as period_start,
    coalesce(opportunities.currency_code, 'unknown') as currency_code,
    coalesce(opportunities.amount, 0) as amount,
    opportunities.as_of_date
from opportunities
inner join members on members.opportunity_key = opportunities.opportunity_key
where opportunities.status in ('open', 'won', 'lost')

union all

select
    documents.entity,
    documents.record_key,
    coalesce(document_members.record_uid, documents.record_key),
    coalesce(document_members.counted_record_key, documents.record_key),
    coalesce(document_members.is_duplicate, false),
    document_members.matched_by,
    documents.source_system,
    documents.source_id,
    documents.metric,
    {{ period_start('month', 'documents.day') }},
    coalesce(documents.currency_code, 'unknown'),
    coalesce(documents.amount, 0),
    documents.as_of_date
from documents
left join document_members
    on document_members.entity = documents.entity
    and document_members.record_key = documents.record_key
