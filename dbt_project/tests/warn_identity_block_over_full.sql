{{ config(severity='warn') }}

-- Sales operations: so many records share one value (a mail address for everybody, a placeholder telephone, a provider's
-- site) that it tells nothing, so pairs were not looked for by it. What to do says `problem`.
{%- for entity in ['account', 'contact', 'user', 'product'] %}
select
    '{{ entity }}' as entity,
    block,
    min(record_key) as one_of_them,
    max(record_count) as record_count,
    cast(max(record_count) as {{ type_text() }}) || ' records of {{ entity }} share one ' || block || ': pairs were looked for by their other '
    || 'values, a checked code and people''s words only. If it fills a field that must not be empty, empty it in the CRM or list '
    || 'it in pipelines/identity/words.yml; if they may be one, say so in identity_decisions (同一性判定).' as problem
from ({{ blocked_records(entity) }}) as blocked
where record_count > {{ identity_number(entity, 'block', 'most') }}
group by block, block_key
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
