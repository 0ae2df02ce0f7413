{{ config(materialized='table') }}

{{ identity_members('account', 'checked_code') }}
