{{ config(materialized='ephemeral') }}

{{ ledger_lines('quote') }}
