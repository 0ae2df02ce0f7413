{{ config(severity='warn') }}

-- Mend the spreadsheet that `problem` names. Until then: a membership of an unknown person counts for nothing, a share of
-- an unknown person is unassigned, a split of an unknown opportunity counts for nothing, weights and shares are scaled.
{%- set people = ref('int_org__people') %}
select
    'team_memberships (团队成员): nobody, or more than one, is ' || coalesce(named.person_id, named.person)
    || '; write the employee number or e-mail as in the CRM.' as problem
from {{ ref('stg_inputs__team_memberships') }} as named
left join {{ people }} as people on {{ named_person('people', 'named.person', 'named.person_id') }}
where people.user_uid is null

union all

select
    'teams (团队): nobody, or more than one, is the leader ' || coalesce(named.leader_id, named.leader)
    || ' of ' || named.team || '; write the employee number or e-mail as in the CRM.'
from {{ ref('stg_inputs__teams') }} as named
left join {{ people }} as people on {{ named_person('people', 'named.leader', 'named.leader_id') }}
where coalesce(named.leader_id, named.leader) is not null and people.user_uid is null

union all

select
    'opportunity_splits (商机分成): nobody, or more than one, is ' || coalesce(named.person_id, named.person)
    || '; write the employee number or e-mail as in the CRM.'
from {{ ref('stg_inputs__opportunity_splits') }} as named
left join {{ people }} as people on {{ named_person('people', 'named.person', 'named.person_id') }}
where people.user_uid is null

union all

select
    'opportunity_splits (商机分成): no opportunity of ' || splits.crm_source || ' has the id ' || splits.opportunity_id || '.'
from {{ ref('stg_inputs__opportunity_splits') }} as splits
left join {{ ref('int_crm__opportunities') }} as opportunities
    on opportunities.source_system = splits.crm_source
    and opportunities.opportunity_id = splits.opportunity_id
where opportunities.opportunity_key is null

union all

select distinct
    'opportunity_splits (商机分成): the shares of ' || opportunity_key || ' from '
    || cast(valid_from as {{ type_text() }}) || ' on sum to ' || cast(stated_share as {{ type_text() }}) || ', not to 1.'
from {{ ref('int_org__splits') }}
where stated_share <> 1

union all

select distinct
    'team_memberships (团队成员): on ' || team_axis || ' the weights of ' || user_uid || ' from '
    || cast(valid_from as {{ type_text() }}) || ' on sum to ' || cast(stated_weights as {{ type_text() }}) || ', not to 1.'
from {{ ref('bridge_user_team') }}
where evidence = 'input' and stated_weights <> 1
