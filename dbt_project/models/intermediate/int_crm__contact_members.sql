{{ config(materialized='table') }}

select
    contact_key,
    contact_key as contact_uid
from {{ ref('int_crm__contacts_unioned') }}

union all

select 'unassigned', 'unassigned'
