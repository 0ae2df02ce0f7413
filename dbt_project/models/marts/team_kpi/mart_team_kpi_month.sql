{{ team_kpi('month') }}
