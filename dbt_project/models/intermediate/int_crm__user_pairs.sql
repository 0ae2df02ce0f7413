{{ config(materialized='table') }}

{{ identity_pairs('user', {
    'email': compared('email_hash'),
    'number': compared('employee_number'),
    'name': compared('name_hash'),
    'region': compared('region', 'same'),
    'manager': compared('manager_name_hash', 'same'),
}) }}
