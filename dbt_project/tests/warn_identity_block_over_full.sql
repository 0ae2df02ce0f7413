{{ config(severity='warn') }}

-- Sales operations: so many records share one value (a mail address for everybody, a placeholder telephone, a provider's
-- site) that it tells nothing, so pairs were not looked for by it. Mend the value in the CRM, or add the domain to
-- shared_domains in pipelines/identity/words.yml.
{%- for entity in ['account', 'contact', 'user', 'product'] %}
select '{{ entity }}' as entity, block, min(record_key) as one_of_them, max(record_count) as record_count
from ({{ blocked_records(entity) }}) as blocked
where record_count > {{ identity_number(entity, 'block', 'most') }}
group by block, block_key
{%- if not loop.last %}
union all
{%- endif %}
{%- endfor %}
