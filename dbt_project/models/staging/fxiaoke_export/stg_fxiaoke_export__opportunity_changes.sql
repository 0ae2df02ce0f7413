{{ opportunity_changes('fxiaoke_export', 'new_opportunity_obj') }}
