{#
    The weak rows of `known` of one kind of key (number or name), and the stronger record that each one is.

    candidates: a select of the stronger rows. Best evidence first: the same number; the same name and moment of
    creation; the same name, where one of the two does not tell when it was created and the other was there already
    when the weak row was last changed. One record fits: it is adopted. Several fit, or one fits several weak rows of
    the same name: set aside, never guessed.
#}
{% macro adopted(kind, candidates) -%}
    select
        fitting.*,
        count(*) over (partition by entity, source_way, source_org, evidence, record_id) as rival_count,
        case
            when candidate_count = 0 then 'alone'
            when candidate_count > 1 then 'set_aside'
            when count(*) over (partition by entity, source_way, source_org, evidence, record_id) > 1
                and evidence <> 'number' then 'set_aside'
            else 'adopted'
        end as decision
    from (
    select
        entity,
        source_system,
        source_way,
        source_org,
        weak_id,
        case when count(distinct adopts) = 1 then min(adopts) end as record_id,
        min(evidence) as evidence,
        count(distinct adopts) as candidate_count
    from (
        select
            weak.entity,
            weak.source_system,
            weak.source_way,
            weak.source_org,
            weak.record_id as weak_id,
            evidences.adopts,
            evidences.evidence,
            min(evidences.evidence_rank) over (
                partition by weak.entity, weak.source_way, weak.source_org, weak.record_id
            ) as best_rank,
            evidences.evidence_rank
        from (select * from known where key_kind = '{{ kind }}') as weak
        left join (
            select strong.*
            from (
                {{ evidence_of(kind, candidates, 'number', 1) }}
                union all
                {{ evidence_of(kind, candidates, 'name_and_creation', 2) }}
                union all
                {{ evidence_of(kind, candidates, 'name', 3) }}
            ) as strong
        ) as evidences
            on evidences.entity = weak.entity
            and evidences.source_way = weak.source_way
            and evidences.source_org = weak.source_org
            and evidences.weak_id = weak.record_id
    ) as judged
    where evidence_rank is null or evidence_rank = best_rank
    group by entity, source_system, source_way, source_org, weak_id
    ) as fitting
{%- endmacro %}

{% macro evidence_of(kind, candidates, evidence, rank) -%}
    select
        weak.entity,
        weak.source_way,
        weak.source_org,
        weak.record_id as weak_id,
        candidates.adopts,
        '{{ evidence }}' as evidence,
        {{ rank }} as evidence_rank
    from (select * from known where key_kind = '{{ kind }}') as weak
    inner join ({{ candidates }}) as candidates
        on candidates.entity = weak.entity
        and candidates.source_system = weak.source_system
        and candidates.source_org = weak.source_org
        {%- if evidence == 'number' %}
        and candidates.record_number = weak.record_number
        {%- elif evidence == 'name_and_creation' %}
        and candidates.name_key = weak.name_key
        and coalesce(candidates.record_number = weak.record_number, true)
        and {{ same_moment('candidates.created_at', 'weak.created_at') }}
        {%- else %}
        and candidates.name_key = weak.name_key
        and coalesce(candidates.record_number = weak.record_number, true)
        and (candidates.created_at is null or weak.created_at is null)
        and coalesce(candidates.created_at <= weak.modified_at, true)
        {%- endif %}
{%- endmacro %}

{# Whether two moments are one, which files tell by the second or only by the minute. #}
{% macro same_moment(one, other) -%}
    (
        date_trunc('second', {{ one }}) = date_trunc('second', {{ other }})
        or date_trunc('minute', {{ one }}) = {{ other }}
        or {{ one }} = date_trunc('minute', {{ other }})
    )
{%- endmacro %}
