{{ team_kpi('quarter') }}
