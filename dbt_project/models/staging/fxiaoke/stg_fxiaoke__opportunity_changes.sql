{{ opportunity_changes('fxiaoke', 'new_opportunity_obj') }}
