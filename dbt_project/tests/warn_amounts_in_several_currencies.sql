{{ config(severity='warn') }}

-- Amounts are summed as they stand; with more than one currency the sums mean nothing.
select currency_code, count(*) as opportunity_count
from {{ ref('fct_opportunity') }}
where (select count(distinct currency_code) from {{ ref('fct_opportunity') }}) > 1
group by currency_code
