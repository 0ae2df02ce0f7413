-- A union lost, doubled or made up records or money: look at the model of the entity that is named, not at the CRM.
-- Of a CRM that is read in one way, rows and money are those of its staging. Of a CRM that is read in several ways,
-- there are as many rows as different records (those set aside and those that the API calls gone left out), and the
-- money of each is what one of its parts says.
{%- set entities = {
    'opportunities': ['opportunity_id', 'amount'],
    'accounts': ['account_id', 'annual_revenue'],
    'products': ['product_id', 'list_price'],
    'users': ['user_id', none],
} %}
{%- set selects = [] %}
{%- for crm, ways in crm_ways().items() %}
{%- for entity, facts in entities.items() %}
{%- set id, money = facts[0], facts[1] or '0' %}
{%- set union = ref('int_crm__' ~ entity ~ '_unioned') %}
{%- if ways | length == 1 %}
{%- set select %}
select '{{ entity }}' as entity, '{{ crm }}' as source_system, 'rows or money' as what, parts.row_count as expected,
    shown.row_count as shown, parts.money as expected_money, shown.money as shown_money
from (
    select count(*) as row_count, coalesce(sum({{ money }}), 0) as money from {{ ref('stg_' ~ ways[0] ~ '__' ~ entity) }}
) as parts
cross join (
    select count(*) as row_count, coalesce(sum({{ money }}), 0) as money from {{ union }} where source_system = '{{ crm }}'
) as shown
where parts.row_count <> shown.row_count or parts.money <> shown.money
{%- endset %}
{%- do selects.append(select) %}
{%- else %}
{%- set columns = ['source_org', id, 'modified_at'] + ([facts[1]] if facts[1] else []) %}
{%- set select %}
select '{{ entity }}', '{{ crm }}', 'rows', expected.row_count, shown.row_count, null, null
from (
    select count(*) as row_count
    from (
        select source_org, {{ id }} as record_id, max(modified_at) as modified_at, min(way_rank) as best_rank
        from ({{ keyed_rows(crm, ways, entity, id, columns) }}) as keyed
        group by source_org, {{ id }}
    ) as records
    left join {{ ref('stg_' ~ ways[0] ~ '__deletions') }} as gone
        on gone.entity = '{{ entity }}'
        and gone.source_org = records.source_org
        and gone.record_id = records.record_id
    where gone.record_id is null or records.best_rank = 1 or records.modified_at > gone.deleted_at
) as expected
cross join (select count(*) as row_count from {{ union }} where source_system = '{{ crm }}') as shown
where expected.row_count <> shown.row_count
{%- endset %}
{%- do selects.append(select) %}
{%- if facts[1] %}
{%- set select %}
select '{{ entity }}', '{{ crm }}', 'money of ' || shown.{{ id }}, null, null, null, shown.{{ money }}
from {{ union }} as shown
where shown.source_system = '{{ crm }}'
    and shown.{{ money }} is not null
    and not exists (
        select 1
        from ({{ keyed_rows(crm, ways, entity, id, columns) }}) as parts
        where parts.source_org = shown.source_org
            and parts.{{ id }} = shown.{{ id }}
            and parts.{{ money }} = shown.{{ money }}
    )
{%- endset %}
{%- do selects.append(select) %}
{%- endif %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{{ selects | join('\nunion all\n') }}
