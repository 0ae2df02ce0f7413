-- A match by rule has evidence beside the name, whatever the seed says.
{%- for entity in ['account', 'contact', 'user', 'product'] %}
select '{{ entity }}' as entity, pair_key, score, rule
from {{ ref('map_' ~ entity ~ '_identity') }}
where decision = 'match' and beside_name_count = 0 and reversible_id is null
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
