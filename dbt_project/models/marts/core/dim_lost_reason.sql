with reasons as (
    select * from {{ ref('lost_reasons') }}
),

-- Every reason that an opportunity states hangs below the reason that the seed code_map says it means.
stated as (
    select distinct lost_reason
    from {{ ref('fct_opportunity') }}
    where lost_reason is not null
),

leaves as (
    select
        stated.lost_reason,
        codes.code as parent_reason
    from stated
    {{ coded('stated', 'lost_reason', 'lost_reason', 'codes') }}
    where stated.lost_reason not in (select reason from reasons)
),

nodes as (
    select reason as lost_reason, parent_reason, reason_name, reason_name_zh, false as is_stated
    from reasons
    union all
    select lost_reason, parent_reason, lost_reason, lost_reason, true
    from leaves
)

select
    cast(nodes.lost_reason as {{ type_text() }}) as lost_reason,
    cast(nodes.reason_name as {{ type_text() }}) as reason_name,
    cast(nodes.reason_name_zh as {{ type_text() }}) as reason_name_zh,
    cast(nodes.parent_reason as {{ type_text() }}) as parent_reason,
    cast(coalesce(grandparents.reason, parents.reason, case when nodes.is_stated then 'unmapped' else nodes.lost_reason end)
        as {{ type_text() }}) as root_reason,
    cast(nodes.is_stated as boolean) as is_stated
from nodes
left join reasons as parents on parents.reason = nodes.parent_reason
left join reasons as grandparents on grandparents.reason = parents.parent_reason
