{{ config(materialized='ephemeral') }}

{{ ledger_union('currency_versions', [
    'source_org', 'currency_code', 'currency_name', 'is_home', 'is_active', 'exchange_rate', 'modified_at', 'read_at',
    'read_position',
]) }}
