with streams as (
    select * from {{ source('ops', 'stream_state') }}
),

failing as (
    select
        *,
        case severity when 'block' then 1 when 'quarantine' then 2 else 3 end as severity_rank
    from {{ source('ops', 'checks') }}
    where failing_since is not null
),

failing_by_stream as (
    select
        source,
        org,
        stream,
        sum(case when severity_rank = 1 then 1 else 0 end) as failing_block_count,
        sum(case when severity_rank = 2 then 1 else 0 end) as failing_quarantine_count,
        sum(case when severity_rank = 3 then 1 else 0 end) as failing_warn_count,
        min(failing_since) as failing_since
    from failing
    group by 1, 2, 3
),

ranked as (
    select
        *,
        row_number() over (
            partition by source, org, stream order by severity_rank, failing_since, rule
        ) as place
    from failing
),

-- A row that breaks two rules waits once.
waiting_rows as (
    select distinct package_id, position, landed_at
    from {{ source('ops', 'set_aside') }}
    where coalesce(decision, '') = ''
),

waiting_by_stream as (
    select
        packages.source,
        packages.org,
        packages.stream,
        count(*) as set_aside_count,
        min(waiting_rows.landed_at) as set_aside_since
    from waiting_rows
    inner join {{ source('ops', 'packages') }} as packages on packages.package_id = waiting_rows.package_id
    group by 1, 2, 3
),

-- Names of runs begin with their time.
newest_reconciliation as (
    select source, org, stream, max(run_id) as run_id
    from {{ source('ops', 'reconciliation') }}
    group by 1, 2, 3
),

reconciled as (
    select
        totals.source,
        totals.org,
        totals.stream,
        max(case
            when totals.verdict = 'differs' then 4
            when totals.verdict = 'explained' then 3
            when totals.verdict = 'agrees' then 2
            else 1
        end) as verdict_rank,
        max(case when totals.measure = 'rows' then totals.difference end) as difference_count,
        sum(totals.unexplained) as unexplained_count
    from {{ source('ops', 'reconciliation') }} as totals
    inner join newest_reconciliation as newest
        on newest.source = totals.source
        and newest.org = totals.org
        and newest.stream = totals.stream
        and newest.run_id = totals.run_id
    group by 1, 2, 3
)

select
    cast(streams.source as {{ type_text() }}) as source,
    cast(streams.org as {{ type_text() }}) as source_org,
    cast(streams.stream as {{ type_text() }}) as stream,
    cast(coalesce(streams.served, true) as boolean) as is_served,
    cast(streams.status as {{ type_text() }}) as status,
    cast(streams.status_since as {{ type_timestamp_tz() }}) as status_since,
    cast(streams.served_at as {{ type_timestamp_tz() }}) as served_at,
    cast(streams.cursor as {{ type_timestamp_tz() }}) as newest_record_at,
    cast(streams.loaded_at as {{ type_timestamp_tz() }}) as loaded_at,
    cast(streams.records as bigint) as record_count,
    cast(streams.blocked as boolean) as is_blocked,
    cast(streams.pending as bigint) as waiting_package_count,
    cast(streams.waiting_since as {{ type_timestamp_tz() }}) as waiting_since,
    cast(coalesce(waiting.set_aside_count, 0) as bigint) as set_aside_count,
    cast(waiting.set_aside_since as {{ type_timestamp_tz() }}) as set_aside_since,
    cast(coalesce(by_stream.failing_block_count, 0) as bigint) as failing_block_count,
    cast(coalesce(by_stream.failing_quarantine_count, 0) as bigint) as failing_quarantine_count,
    cast(coalesce(by_stream.failing_warn_count, 0) as bigint) as failing_warn_count,
    cast(by_stream.failing_since as {{ type_timestamp_tz() }}) as failing_since,
    cast(worst.rule as {{ type_text() }}) as worst_rule,
    cast(worst.reason as {{ type_text() }}) as worst_reason,
    cast(coalesce(worst.owner, case when streams.served = false then 'operator' end) as {{ type_text() }})
        as who_must_act,
    cast(case reconciled.verdict_rank
        when 4 then 'differs'
        when 3 then 'explained'
        when 2 then 'agrees'
        when 1 then 'not_asked'
    end as {{ type_text() }}) as reconciliation_verdict,
    cast(reconciled.difference_count as bigint) as reconciliation_difference_count,
    cast(reconciled.unexplained_count as bigint) as reconciliation_unexplained_count,
    {{ metric_version() }} as metric_version
from streams
left join failing_by_stream as by_stream
    on by_stream.source = streams.source
    and by_stream.org = streams.org
    and by_stream.stream = streams.stream
left join ranked as worst
    on worst.source = streams.source
    and worst.org = streams.org
    and worst.stream = streams.stream
    and worst.place = 1
left join waiting_by_stream as waiting
    on waiting.source = streams.source
    and waiting.org = streams.org
    and waiting.stream = streams.stream
left join reconciled
    on reconciled.source = streams.source
    and reconciled.org = streams.org
    and reconciled.stream = streams.stream
