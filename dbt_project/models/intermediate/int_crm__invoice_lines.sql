{{ config(materialized='ephemeral') }}

{{ ledger_lines('invoice') }}
