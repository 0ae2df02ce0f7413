-- A terminal opportunity has a closing day, not after the as-of day; an open one has none.
select opportunity_key, status, closed_on
from {{ ref('fct_opportunity') }}
where (status = 'open' and closed_on is not null)
    or (status <> 'open' and (closed_on is null or closed_on > as_of_date))
