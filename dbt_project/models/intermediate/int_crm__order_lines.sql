{{ config(materialized='ephemeral') }}

{{ ledger_lines('order') }}
