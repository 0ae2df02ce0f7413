{{ config(materialized='table') }}

select
    account_key,
    account_key as account_uid
from {{ ref('int_crm__accounts_unioned') }}

union all

select 'unassigned', 'unassigned'
