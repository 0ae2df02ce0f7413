{#
    One record out of several: candidates by blocks, parts of evidence, score, decision, groups. The same for accounts,
    contacts, users and products; what a part is worth says the seed identity_rules. Each entity has four models:
    int_crm__<entity>_evidence (what its records tell), _pairs (judged, two by two), _members (record → unified id),
    map_<entity>_identity (the pairs as published).
#}

{# By what values records of an entity are brought together: block → expression over its evidence. Never all with all. #}
{% macro identity_blocks(entity) -%}
    {{ return({
        'account': {
            'code': 'credit_code',
            'name': "nullif(core, '')",
            'name_in_city': "nullif(core, '') || '|' || nullif(coalesce(city, place), '') || '|' || coalesce(branch_place, '')",
            'sound': "nullif(sound, '')",
            'domain': 'domain',
            'phone': 'phone_hash',
            'brand_in_city': "case when length(sound) > 3 then substr(sound, 1, 4) || '|' || city end",
        },
        'contact': {
            'email': 'email_hash',
            'phone': 'phone_hash',
            'name_at_account': "case when account_uid <> 'unassigned' then name_hash || account_uid end",
        },
        'user': {'email': 'email_hash', 'number': 'employee_number', 'name': 'name_hash'},
        'product': {'code': 'product_code', 'name': 'name_norm'},
    }[entity]) }}
{%- endmacro %}

{# A value so sure that who shares it is compared, however many they are: each with the first one, never all with all. #}
{% macro identity_sure_value(entity) -%}
    {{ return({'account': "checked_code || '|' || coalesce(branch, '') || '|' || coalesce(branch_place, '')"}.get(entity)) }}
{%- endmacro %}

{# Rows of block, block_key, record_key, record_count: records that share a value with others. #}
{% macro blocked_records(entity) -%}
    select
        blocked.*,
        count(*) over (partition by block, block_key) as record_count
    from (
        {%- for block, expression in identity_blocks(entity).items() %}
        select '{{ block }}' as block, {{ expression }} as block_key, {{ entity }}_key as record_key
        from {{ ref('int_crm__' ~ entity ~ '_evidence') }}
        where {{ expression }} is not null
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    ) as blocked
{%- endmacro %}

{# A number of the seed that concerns a whole entity. #}
{% macro identity_number(entity, part, outcome) -%}
    (
        select points from {{ ref('identity_rules') }}
        where entity = '{{ entity }}' and part = '{{ part }}' and coalesce(outcome, '') = '{{ outcome }}'
    )
{%- endmacro %}

{#
    By what people may name a record of an entity in a sheet: its id, or the key that a file without ids gave it (`name:…`,
    `number:…`), also once the record is known by its id, if it is one record's alone. Rows of source_system, record_id,
    record_key.
#}
{% macro identity_names(entity) -%}
    {%- set key = entity ~ '_key' %}
    with known as (
        select source_system, {{ entity }}_id as record_id, {{ key }} as record_key
        from {{ ref('int_crm__' ~ entity ~ '_evidence') }}
        union
        select evidence.source_system, key_map.weak_id, evidence.{{ key }}
        from {{ ref('int_crm__key_map') }} as key_map
        inner join {{ ref('int_crm__' ~ entity ~ '_evidence') }} as evidence
            on evidence.source_system = key_map.source_system
            and evidence.source_org = key_map.source_org
            and evidence.{{ entity }}_id = key_map.record_id
        where key_map.entity = '{{ entity }}s' and key_map.decision = 'adopted'
    )

    select source_system, record_id, record_key from known
    where not (record_id like 'name:%' or record_id like 'number:%')
    union all
    select source_system, record_id, min(record_key)
    from known
    where record_id like 'name:%' or record_id like 'number:%'
    group by source_system, record_id
    having count(distinct record_key) = 1
{%- endmacro %}

{# The keys that a cell of a sheet may mean, where a person writes the bare name or number: rows of the columns and spelled_id. #}
{% macro spelled_ids(relation, column, columns) -%}
    {%- for spelling in [column, "'name:' || " ~ match_key(column), "'number:' || " ~ column] %}
    select {{ columns | join(', ') }}, {{ spelling }} as spelled_id from {{ relation }}
    {%- if not loop.last %}
    union
    {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# Whether a word of people counts: as of a past day, what was decided later does not. #}
{% macro decided_by_then(relation) -%}
    {%- if var('as_of_date') -%}
    coalesce({{ relation }}.decided_on, {{ business_date(relation ~ '.modified_at') }}) <= date '{{ var("as_of_date") }}'
    {%- else -%}
    true
    {%- endif -%}
{%- endmacro %}

{#
    Judged pairs. parts: part → expression over `one` and `other`, two rows of evidence, that gives an outcome of the seed.
    A person's word stands above every rule; a veto above every score; and no name alone makes a match.
#}
{% macro identity_pairs(entity, parts) -%}
{%- set key = entity ~ '_key' %}
with evidence as (
    select * from {{ ref('int_crm__' ~ entity ~ '_evidence') }}
),

blocked as (
    select block, block_key, record_key
    from ({{ blocked_records(entity) }}) as sized
    where record_count between 2 and {{ identity_number(entity, 'block', 'most') }}
),

named as (
    {{ identity_names(entity) }}
),

decisions as (
    select * from {{ ref('stg_inputs__identity_decisions') }}
),

-- Each side for itself, and distinct: joined in one go, engines compare every record with every other.
{%- for side in ['left', 'right'] %}
{{ side }}_ids as (
    {{ spelled_ids('decisions', side ~ '_id', ['identity_decision_id', side ~ '_source as source']) }}
),

{{ side }}s as (
    select distinct ids.identity_decision_id, named.record_key
    from {{ side }}_ids as ids
    inner join named on named.source_system = {{ crm_of('ids.source') }} and named.record_id = ids.spelled_id
),

{% endfor -%}
said as (
    select
        case when lefts.record_key < rights.record_key then lefts.record_key else rights.record_key end as record_key,
        case when lefts.record_key < rights.record_key then rights.record_key else lefts.record_key end as other_key,
        decisions.decision,
        decisions.decided_by,
        decisions.decided_on,
        decisions.identity_decision_id,
        decisions.modified_at
    from decisions
    inner join lefts on lefts.identity_decision_id = decisions.identity_decision_id
    inner join rights on rights.identity_decision_id = decisions.identity_decision_id
    where decisions.entity = '{{ entity }}' and decisions.decision is not null and lefts.record_key <> rights.record_key
        and {{ decided_by_then('decisions') }}
),

-- the newest word on a pair, whichever way round it was written; undecided leaves it to the rules
decided as (
    select * from (
        select
            said.*,
            row_number() over (
                partition by record_key, other_key
                order by decided_on desc nulls last, modified_at desc nulls last, identity_decision_id desc
            ) as newness
        from said
    ) as ranked
    where newness = 1 and decision in ('same', 'different')
),

candidates as (
    select ones.record_key, others.record_key as other_key
    from blocked as ones
    inner join blocked as others
        on others.block = ones.block and others.block_key = ones.block_key and others.record_key > ones.record_key
    union
    select record_key, other_key from decided
    {%- if identity_sure_value(entity) %}
    union
    select first_key, record_key
    from (
        select {{ key }} as record_key, min({{ key }}) over (partition by {{ identity_sure_value(entity) }}) as first_key
        from evidence
        where {{ identity_sure_value(entity) }} is not null
    ) as alike
    where record_key > first_key
    {%- endif %}
),

judged as (
    select
        one.{{ key }},
        other.{{ key }} as other_{{ key }},
        {%- for part, outcome in parts.items() %}
        {{ outcome }} as {{ part }}_outcome,
        {%- endfor %}
        case
            when one.modified_at is null or other.modified_at > one.modified_at then other.modified_at
            else one.modified_at
        end as known_at,
        decided.decision as said,
        decided.decided_by as said_by,
        decided.decided_on as said_on,
        decided.identity_decision_id
    from candidates
    inner join evidence as one on one.{{ key }} = candidates.record_key
    inner join evidence as other on other.{{ key }} = candidates.other_key
    left join decided on decided.record_key = candidates.record_key and decided.other_key = candidates.other_key
),

worth as (
    select
        judged.*,
        {%- for part in parts %}
        coalesce({{ part }}_rules.points, 0) as {{ part }}_points,
        {%- endfor %}
        {%- for part in parts %}
        coalesce({{ part }}_rules.points, 0){{ ' +' if not loop.last }}
        {%- endfor %} as score,
        {%- for part in parts %}
        case when {{ part }}_rules.points > 0 then 1 else 0 end{{ ' +' if not loop.last }}
        {%- endfor %}
        - case when name_rules.points > 0 then 1 else 0 end as beside_name_count,
        {%- for part in parts %}
        case when {{ part }}_rules.points > 0 then ' {{ part }}' else '' end{{ ' ||' if not loop.last }}
        {%- endfor %} as speaking,
        {%- for part in parts %}
        case when {{ part }}_rules.effect = 'veto' then ' {{ part }}' else '' end{{ ' ||' if not loop.last }}
        {%- endfor %} as vetoes,
        {% for part in parts -%}
        coalesce({{ part }}_rules.effect, '') = 'strong'{{ ' or ' if not loop.last }}
        {%- endfor %} as has_strong_evidence,
        {{ identity_number(entity, 'score', 'match') }} as match_from,
        {{ identity_number(entity, 'score', 'review') }} as review_from,
        {{ identity_number(entity, 'version', '') }} as rule_version
    from judged
    {%- for part in parts %}
    left join {{ ref('identity_rules') }} as {{ part }}_rules
        on {{ part }}_rules.entity = '{{ entity }}'
        and {{ part }}_rules.part = '{{ part }}'
        and {{ part }}_rules.outcome = judged.{{ part }}_outcome
    {%- endfor %}
),

ruled as (
    select
        worth.*,
        case
            when vetoes <> '' then 'no_match'
            when score >= match_from and beside_name_count > 0 then 'match'
            when score >= review_from then 'review'
            else 'no_match'
        end as rule_decision
    from worth
)

select
    {{ key }},
    other_{{ key }},
    {%- for part in parts %}
    {{ part }}_outcome,
    {{ part }}_points,
    {%- endfor %}
    score,
    beside_name_count,
    trim(speaking) as speaking,
    rule_decision,
    coalesce(case said when 'same' then 'match' when 'different' then 'no_match' end, rule_decision) as decision,
    case
        when said is not null then 'person'
        when vetoes <> '' then 'veto:' || vetoes
        when speaking = '' then 'nothing in common'
        else trim(speaking)
    end as rule,
    coalesce(said_by, 'rule ' || cast(rule_version as {{ type_text() }})) as decided_by,
    coalesce({{ business_midnight('said_on') }}, known_at) as decided_at,
    identity_decision_id as reversible_id,
    said is null and vetoes <> '' or coalesce(said = 'different', false) as is_contradiction,
    coalesce(said = 'same', false) as is_said,
    coalesce(said = 'same', false) or (has_strong_evidence and said is null) as is_strong
from ruled
{%- endmacro %}

{# Connected groups of `links` (record_key, other_key): rows of record_key and component, its smallest key. #}
{% macro identity_groups(name, links) -%}
{{ name }}_edges as (
    select record_key, other_key from {{ links }}
    union all
    select other_key, record_key from {{ links }}
),

-- from every record to all that can be reached over larger keys: the smallest of a group reaches all of it
{{ name }}_reach as (
    select distinct record_key as component, record_key from {{ name }}_edges
    union
    select reach.component, edges.other_key
    from {{ name }}_reach as reach
    inner join {{ name }}_edges as edges on edges.record_key = reach.record_key
    where edges.other_key > reach.component
),

{{ name }} as (
    select record_key, min(component) as component from {{ name }}_reach
    group by record_key
),

-- groups in which two right codes or a contradicted pair meet; what people said, only a person can contradict
{{ name }}_torn as (
    {%- if name != 'by_people' %}
    select {{ name }}.component
    from {{ name }}
    inner join identifiers on identifiers.record_key = {{ name }}.record_key
    group by {{ name }}.component
    having count(distinct identifiers.identifier) > 1
    union
    {%- endif %}
    select ones.component
    from contradictions
    inner join {{ name }} as ones on ones.record_key = contradictions.record_key
    inner join {{ name }} as others
        on others.record_key = contradictions.other_key and others.component = ones.component
    {%- if name == 'by_people' %}
    where contradictions.is_said_different
    {%- endif %}
)
{%- endmacro %}

{#
    Record → unified id: the key of the group's record that existed first. A group that contradicts itself falls apart into
    what strong evidence alone says, then into what people alone say, then into its records.
    identifier: expression over evidence of which a group may have only one value, NULL where a record tells none.
#}
{% macro identity_members(entity, identifier) -%}
{%- set key = entity ~ '_key' %}
with recursive evidence as (
    select * from {{ ref('int_crm__' ~ entity ~ '_evidence') }}
),

pairs as (
    select {{ key }} as record_key, other_{{ key }} as other_key, decision, rule, is_contradiction, is_said, is_strong
    from {{ ref('int_crm__' ~ entity ~ '_pairs') }}
),

contradictions as (
    select record_key, other_key, rule = 'person' as is_said_different from pairs
    where is_contradiction
),

said_link as (
    select record_key, other_key from pairs
    where decision = 'match' and is_said
),

{{ identity_groups('by_people', 'said_link') }},

-- Codes of records that people call one are one code.
identifiers as (
    select
        evidence.{{ key }} as record_key,
        min({{ identifier }}) over (
            partition by coalesce(case when by_people_torn.component is null then by_people.component end, evidence.{{ key }})
        ) as identifier
    from evidence
    left join by_people on by_people.record_key = evidence.{{ key }}
    left join by_people_torn on by_people_torn.component = by_people.component
    where {{ identifier }} is not null
),

every_link as (
    select record_key, other_key, is_strong from pairs
    where decision = 'match'
),

{{ identity_groups('by_all', 'every_link') }},

strong_link as (
    select every_link.record_key, every_link.other_key
    from every_link
    inner join by_all on by_all.record_key = every_link.record_key
    inner join by_all_torn on by_all_torn.component = by_all.component
    where every_link.is_strong
),

{{ identity_groups('by_strong', 'strong_link') }},

placed as (
    select
        evidence.{{ key }},
        evidence.created_at,
        case
            when by_all.component is null then evidence.{{ key }}
            when by_all_torn.component is null then by_all.component
            when by_strong.component is null then evidence.{{ key }}
            when by_strong_torn.component is null then by_strong.component
            when by_people.component is null or by_people_torn.component is not null then evidence.{{ key }}
            else by_people.component
        end as component
    from evidence
    left join by_all on by_all.record_key = evidence.{{ key }}
    left join by_all_torn on by_all_torn.component = by_all.component
    left join by_strong on by_strong.record_key = evidence.{{ key }}
    left join by_strong_torn on by_strong_torn.component = by_strong.component
    left join by_people on by_people.record_key = evidence.{{ key }}
    left join by_people_torn on by_people_torn.component = by_people.component
)

select
    {{ key }},
    first_value({{ key }}) over (partition by component order by created_at nulls last, {{ key }}) as {{ entity }}_uid
from placed

union all

select 'unassigned', 'unassigned'
{%- endmacro %}

{# Body of map_<entity>_identity: what the rule or a person said of each pair, and what became of it. #}
{% macro identity_map(entity, parts) -%}
{%- set key = entity ~ '_key' %}
with pairs as (
    select * from {{ ref('int_crm__' ~ entity ~ '_pairs') }}
),

members as (
    select * from {{ ref('int_crm__' ~ entity ~ '_members') }}
),

records as (
    select {{ key }}, source_system from {{ ref('int_crm__' ~ entity ~ '_evidence') }}
)

select
    cast({{ surrogate_key(['pairs.' ~ key, 'pairs.other_' ~ key]) }} as {{ type_text() }}) as pair_key,
    cast(pairs.{{ key }} as {{ type_text() }}) as {{ key }},
    cast(pairs.other_{{ key }} as {{ type_text() }}) as other_{{ key }},
    cast(ones.source_system as {{ type_text() }}) as source_system,
    cast(others.source_system as {{ type_text() }}) as other_source_system,
    {%- for part in parts %}
    cast(pairs.{{ part }}_outcome as {{ type_text() }}) as {{ part }}_outcome,
    cast(pairs.{{ part }}_points as integer) as {{ part }}_points,
    {%- endfor %}
    cast(pairs.score as integer) as score,
    cast(pairs.beside_name_count as integer) as beside_name_count,
    cast(
        case
            when pairs.decision = 'match' and one_members.{{ entity }}_uid <> other_members.{{ entity }}_uid
                then 'contradiction: ' || pairs.rule
            else pairs.rule
        end as {{ type_text() }}
    ) as rule,
    cast(
        case
            when pairs.decision = 'match' and one_members.{{ entity }}_uid <> other_members.{{ entity }}_uid then 'review'
            else pairs.decision
        end as {{ type_text() }}
    ) as decision,
    cast(one_members.{{ entity }}_uid = other_members.{{ entity }}_uid as boolean) as is_same,
    cast(pairs.decided_by as {{ type_text() }}) as decided_by,
    cast(pairs.decided_at as {{ type_timestamp_tz() }}) as decided_at,
    cast(pairs.reversible_id as {{ type_text() }}) as reversible_id
from pairs
inner join records as ones on ones.{{ key }} = pairs.{{ key }}
inner join records as others on others.{{ key }} = pairs.other_{{ key }}
inner join members as one_members on one_members.{{ key }} = pairs.{{ key }}
inner join members as other_members on other_members.{{ key }} = pairs.other_{{ key }}
{%- endmacro %}

{# The parts of an entity's evidence, in the order of their weight. #}
{% macro identity_parts(entity) -%}
    {{ return({
        'account': ['code', 'name', 'branch', 'domain', 'phone', 'region', 'industry'],
        'contact': ['email', 'phone', 'name', 'account'],
        'user': ['email', 'number', 'name', 'region', 'manager'],
        'product': ['code', 'name', 'line'],
    }[entity]) }}
{%- endmacro %}

{# equal, differs or missing. #}
{% macro compared(column, same='equal') -%}
    case
        when one.{{ column }} is null or other.{{ column }} is null then 'missing'
        when one.{{ column }} = other.{{ column }} then '{{ same }}'
        else 'differs'
    end
{%- endmacro %}
