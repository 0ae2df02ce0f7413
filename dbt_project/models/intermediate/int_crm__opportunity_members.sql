{{ config(materialized='table') }}

select
    opportunity_key,
    opportunity_key as opportunity_uid,
    false as is_duplicate
from {{ ref('int_crm__opportunities_unioned') }}
