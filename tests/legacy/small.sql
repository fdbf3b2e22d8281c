-- A small database as Astakos 0.21 kept it, with what few have: each row is here for a test.

CREATE TABLE django_migrations (id serial PRIMARY KEY, app varchar(255), name varchar(255));
CREATE TABLE django_content_type (id serial PRIMARY KEY, app_label varchar(100), model varchar(100));
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text);
CREATE TABLE auth_group (id serial PRIMARY KEY, name varchar(80) NOT NULL);
CREATE TABLE auth_permission (
    id serial PRIMARY KEY, name varchar(50), content_type_id int, codename varchar(100));
CREATE TABLE auth_group_permissions (id serial PRIMARY KEY, group_id int, permission_id int);
CREATE TABLE auth_user (
    id serial PRIMARY KEY, password varchar(128) NOT NULL, last_login timestamptz NOT NULL DEFAULT now(),
    is_superuser bool NOT NULL DEFAULT false, username varchar(75) NOT NULL UNIQUE,
    first_name varchar(30) NOT NULL DEFAULT '', last_name varchar(30) NOT NULL DEFAULT '',
    email varchar(75) NOT NULL, is_staff bool NOT NULL DEFAULT false, is_active bool NOT NULL DEFAULT true,
    date_joined timestamptz NOT NULL DEFAULT '2013-05-06 07:08:09Z');
CREATE TABLE auth_user_groups (id serial PRIMARY KEY, user_id int, group_id int);
CREATE TABLE auth_user_user_permissions (id serial PRIMARY KEY, user_id int, permission_id int);
CREATE TABLE im_astakosuser (
    user_ptr_id int PRIMARY KEY, affiliation varchar(255), level int NOT NULL DEFAULT 4,
    invitations int NOT NULL DEFAULT 0, auth_token varchar(64), auth_token_created timestamptz,
    auth_token_expires timestamptz, updated timestamptz NOT NULL DEFAULT '2014-01-01Z',
    deactivated_reason text, deactivated_at timestamptz, has_credits bool NOT NULL DEFAULT false,
    is_verified bool NOT NULL DEFAULT false, email_verified bool NOT NULL DEFAULT true,
    verification_code varchar(255), verified_at timestamptz, activation_sent timestamptz,
    is_rejected bool NOT NULL DEFAULT false, rejected_reason text, moderated bool NOT NULL DEFAULT true,
    moderated_at timestamptz, moderated_data text, accepted_policy varchar(255), accepted_email varchar(75),
    has_signed_terms bool NOT NULL DEFAULT false, date_signed_terms timestamptz, uuid varchar(255) NOT NULL,
    disturbed_quota bool NOT NULL DEFAULT false, base_project_id bigint, default_project varchar(255));
CREATE TABLE im_astakosuserauthprovider (
    id serial PRIMARY KEY, affiliation varchar(255), module varchar(255) NOT NULL DEFAULT 'local',
    identifier varchar(255), active bool NOT NULL DEFAULT true, auth_backend varchar(255) DEFAULT 'astakos',
    info_data text DEFAULT '{}', created timestamptz NOT NULL DEFAULT '2013-05-06Z',
    last_login_at timestamptz, user_id int NOT NULL);
CREATE TABLE im_authproviderpolicyprofile (
    id serial PRIMARY KEY, name varchar(255) NOT NULL, provider varchar(255) NOT NULL,
    is_exclusive bool NOT NULL DEFAULT false, policy_add bool, policy_remove bool, policy_create bool,
    policy_login bool, policy_limit int, policy_required bool, policy_automoderate bool, policy_switch bool,
    priority int NOT NULL DEFAULT 1, active bool NOT NULL DEFAULT true);
CREATE TABLE im_authproviderpolicyprofile_groups (
    id serial PRIMARY KEY, authproviderpolicyprofile_id int, group_id int);
CREATE TABLE im_authproviderpolicyprofile_users (
    id serial PRIMARY KEY, authproviderpolicyprofile_id int, astakosuser_id int);
CREATE TABLE im_approvalterms (id serial PRIMARY KEY, date timestamptz NOT NULL, location varchar(255) NOT NULL);
CREATE TABLE im_component (
    id serial PRIMARY KEY, name varchar(255) NOT NULL, url varchar(1024), base_url varchar(1024),
    auth_token varchar(64), auth_token_created timestamptz, auth_token_expires timestamptz);
CREATE TABLE im_service (
    id serial PRIMARY KEY, name varchar(255) NOT NULL, type varchar(255) NOT NULL, component_id int NOT NULL);
CREATE TABLE im_endpoint (id serial PRIMARY KEY, service_id int NOT NULL);
CREATE TABLE im_endpointdata (
    id serial PRIMARY KEY, key varchar(255) NOT NULL, value varchar(1024) NOT NULL, endpoint_id int NOT NULL);
CREATE TABLE im_resource (
    id serial PRIMARY KEY, name varchar(255) NOT NULL, "desc" text, service_type varchar(255) NOT NULL,
    service_origin varchar(255) NOT NULL, unit varchar(255), uplimit bigint NOT NULL,
    project_default bigint NOT NULL DEFAULT 0, ui_visible bool NOT NULL DEFAULT true,
    api_visible bool NOT NULL DEFAULT true);
CREATE TABLE im_chain (chain serial PRIMARY KEY);
CREATE TABLE im_project (
    id bigint PRIMARY KEY, creation_date timestamptz NOT NULL DEFAULT '2014-02-03 04:05:06.789Z',
    name varchar(80), state int NOT NULL DEFAULT 1, uuid varchar(255) NOT NULL, realname varchar(80) NOT NULL,
    homepage varchar(255) NOT NULL DEFAULT '', description text NOT NULL DEFAULT '',
    end_date timestamptz NOT NULL DEFAULT '2114-01-01Z', member_join_policy int NOT NULL DEFAULT 3,
    member_leave_policy int NOT NULL DEFAULT 3, limit_on_members_number bigint NOT NULL DEFAULT 1,
    private bool NOT NULL DEFAULT true, is_base bool NOT NULL DEFAULT true, last_application_id int,
    owner_id int);
CREATE TABLE im_projectapplication (
    id serial PRIMARY KEY, state int NOT NULL, name varchar(80), homepage varchar(255), description text,
    start_date timestamptz, end_date timestamptz, member_join_policy int, member_leave_policy int,
    limit_on_members_number bigint, comments text, issue_date timestamptz NOT NULL DEFAULT '2014-02-03Z',
    response_date timestamptz, response text, waive_date timestamptz, waive_reason text, private bool,
    applicant_id int NOT NULL, chain bigint NOT NULL, owner_id int, response_actor_id int, waive_actor_id int);
CREATE TABLE im_projectresourcegrant (
    id serial PRIMARY KEY, project_capacity bigint NOT NULL, member_capacity bigint NOT NULL,
    project_application_id int NOT NULL, resource_id int NOT NULL);
CREATE TABLE im_projectresourcequota (
    id serial PRIMARY KEY, project_capacity bigint NOT NULL, member_capacity bigint NOT NULL,
    project_id bigint NOT NULL, resource_id int NOT NULL);
CREATE TABLE im_projectlog (
    id serial PRIMARY KEY, from_state int, to_state int NOT NULL, date timestamptz NOT NULL, reason text,
    comments text, actor_id int, project_id bigint NOT NULL);
CREATE TABLE im_projectmembership (
    id serial PRIMARY KEY, state int NOT NULL DEFAULT 1, overquota_state varchar(255) NOT NULL DEFAULT 'OK',
    overquota_state_date timestamptz NOT NULL DEFAULT '2014-03-04Z', overquota_date timestamptz,
    initialized bool NOT NULL DEFAULT true, person_id int NOT NULL, project_id bigint NOT NULL);
CREATE TABLE im_projectmembershiplog (
    id serial PRIMARY KEY, from_state int, to_state int NOT NULL, date timestamptz NOT NULL, reason text,
    comments text, actor_id int, membership_id int NOT NULL);
CREATE TABLE im_invitation (id serial PRIMARY KEY, realname varchar(255));
CREATE TABLE oa2_client (
    id serial PRIMARY KEY, name varchar(100) NOT NULL DEFAULT '', identifier varchar(255) NOT NULL,
    secret varchar(255), url varchar(255) NOT NULL DEFAULT '', type varchar(100) NOT NULL,
    is_trusted bool NOT NULL DEFAULT false);
CREATE TABLE oa2_redirecturl (
    id serial PRIMARY KEY, is_default bool NOT NULL DEFAULT true, url text NOT NULL, client_id int NOT NULL);
CREATE TABLE quotaholder_app_holding (
    id serial PRIMARY KEY, holder varchar(4096) NOT NULL, source varchar(4096), resource varchar(4096) NOT NULL,
    "limit" bigint NOT NULL, usage_min bigint NOT NULL DEFAULT 0, usage_max bigint NOT NULL DEFAULT 0);
CREATE TABLE quotaholder_app_commission (
    serial serial PRIMARY KEY, name varchar(4096) NOT NULL DEFAULT '', clientkey varchar(4096) NOT NULL,
    issue_datetime timestamptz NOT NULL DEFAULT '2015-06-07Z');
CREATE TABLE quotaholder_app_provision (
    id serial PRIMARY KEY, holder varchar(4096) NOT NULL, source varchar(4096), resource varchar(4096) NOT NULL,
    quantity bigint NOT NULL, serial_id int NOT NULL);
CREATE TABLE quotaholder_app_provisionlog (
    id serial PRIMARY KEY, serial bigint NOT NULL, name varchar(4096) NOT NULL DEFAULT '',
    issue_time varchar(4096) NOT NULL, log_time varchar(4096) NOT NULL, holder varchar(4096) NOT NULL,
    source varchar(4096), resource varchar(4096) NOT NULL, "limit" bigint NOT NULL, usage_min bigint NOT NULL,
    usage_max bigint NOT NULL, delta_quantity bigint NOT NULL, reason varchar(4096) NOT NULL);

INSERT INTO auth_group (id, name) VALUES (3, 'helpdesk'), (7, 'students');
INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'im', 'astakosuser'), (2, 'im', 'invitation');
INSERT INTO auth_permission (id, content_type_id, codename) VALUES
    (11, 1, 'change_astakosuser'), (12, 2, 'add_invitation');
INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (3, 11);

-- 1: an administrator; 2 and 3: one e-mail in two spellings; 4: active, but never accepted; 5: of Django
-- alone; 6: names that differ in case only from those of 7; 9: not verified
INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_active) VALUES
    (1, '!', true, 'ann@old.example.org', 'Ann', 'One', 'Ann@Old.example.org', true),
    (2, '!', false, 'twin@old.example.org', 'Twin', 'A', 'twin@old.example.org', true),
    (3, '!', false, 'other@old.example.org', 'Twin', 'B', 'Twin@Old.Example.org', true),
    (4, '!', false, 'early@old.example.org', 'Early', 'Bird', 'early@old.example.org', true),
    (5, '!', true, 'root', '', '', 'root@old.example.org', true),
    (6, '!', false, 'Same@old.example.org', 'Same', 'A', 'x@old.example.org', true),
    (7, '!', false, 'same@old.example.org', 'Same', 'B', 'y@old.example.org', true),
    (9, '!', false, 'new@old.example.org', 'New', 'Comer', 'new@old.example.org', false);
INSERT INTO im_astakosuser (user_ptr_id, uuid, auth_token, auth_token_created, auth_token_expires,
        default_project, has_signed_terms, moderated_data) VALUES
    (1, '11111111-0000-4000-8000-000000000001', 'token-of-ann', '2014-01-01Z', '2044-01-01Z',
        '11111111-0000-4000-8000-00000000000a', true, '{"email": "ann@old.example.org", "auth_token": "s3cret"}'),
    (2, '11111111-0000-4000-8000-000000000002', 'token-of-twin-a', '2014-01-01Z', '2044-01-01Z', NULL, true, NULL),
    (3, '11111111-0000-4000-8000-000000000003', 'token-of-twin-b', '2014-01-01Z', NULL, NULL, false, NULL),
    (4, '11111111-0000-4000-8000-000000000004', 'token-of-early', '2014-01-01Z', '2015-01-01Z', NULL, false, NULL),
    (6, '11111111-0000-4000-8000-000000000006', NULL, NULL, NULL, NULL, true, NULL),
    (7, '11111111-0000-4000-8000-000000000007', NULL, NULL, NULL, NULL, true, NULL),
    (9, '11111111-0000-4000-8000-000000000009', NULL, NULL, NULL, NULL, false, NULL);
UPDATE im_astakosuser SET moderated = false WHERE user_ptr_id = 4;
UPDATE im_astakosuser SET moderated = false, email_verified = false WHERE user_ptr_id = 9;
INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 3), (2, 7), (5, 3);
INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES (2, 11), (2, 12);
INSERT INTO im_astakosuserauthprovider (module, identifier, active, user_id, created, info_data) VALUES
    ('local', '', false, 1, '2013-05-06Z', NULL), ('local', '', true, 1, '2013-05-05Z', '{}'),
    ('local', NULL, true, 2, '2013-05-06Z', 'no JSON'),
    ('shibboleth', 'ann@idp', true, 1, '2013-05-06Z', '{"eppn": "ann@idp"}'),
    ('shibboleth', 'ann@idp', true, 9, '2014-05-06Z', '{}');
INSERT INTO im_authproviderpolicyprofile (id, name, provider, policy_login, policy_limit, priority) VALUES
    (4, 'no-google', 'google', false, 2, 9);
INSERT INTO im_authproviderpolicyprofile_groups (authproviderpolicyprofile_id, group_id) VALUES (4, 7);
INSERT INTO im_authproviderpolicyprofile_users (authproviderpolicyprofile_id, astakosuser_id) VALUES (4, 2);
INSERT INTO im_approvalterms (id, date, location) VALUES (2, '2013-01-01Z', '/nowhere/terms.html');

INSERT INTO im_component (id, name, url, base_url, auth_token, auth_token_created) VALUES
    (1, 'astakos', 'https://old.example.org/astakos/ui', 'https://old.example.org/astakos', 'token-of-astakos', now()),
    (2, 'pithos', 'https://old.example.org/pithos/ui', 'https://old.example.org/pithos', 'token-of-pithos', now()),
    (3, 'ledger', 'https://ledger.example.net/ui', 'https://ledger.example.net', 'token-of-ledger', now());
INSERT INTO im_service (id, name, type, component_id) VALUES
    (1, 'astakos_account', 'account', 1), (2, 'pithos_object-store', 'object-store', 2),
    (3, 'pithos_extra', 'extra', 2), (4, 'ledger_api', 'ledger', 3);
INSERT INTO im_endpoint (id, service_id) VALUES (1, 1), (2, 2), (3, 3), (4, 4), (5, 4);
INSERT INTO im_endpointdata (key, value, endpoint_id) VALUES
    ('publicURL', 'https://old.example.org/astakos/account/v1.0', 1), ('versionId', 'v1.0', 1),
    ('publicURL', 'https://old.example.org/pithos/object-store/v1', 2), ('versionId', 'v1', 2),
    ('publicURL', 'https://old.example.org/pithos/extra', 3), ('versionId', '', 3),
    ('publicURL', 'https://ledger.example.net/v1', 4), ('versionId', 'v1', 4), ('SNF:tier', 'gold', 4),
    ('publicURL', 'https://ledger.example.net/v2', 5), ('versionId', 'v2', 5);
INSERT INTO im_resource (id, name, "desc", service_type, service_origin, unit, uplimit) VALUES
    (1, 'astakos.pending_app', 'Pending', 'account', 'astakos_account', NULL, 3),
    (9, 'pithos.diskspace', 'Space', 'object-store', 'pithos_object-store', 'bytes', 5000),
    (12, 'ledger.entries', 'Entries', 'ledger', 'ledger_api', NULL, 9223372036854775807);

INSERT INTO im_chain SELECT generate_series(1, 40);
SELECT setval('im_chain_chain_seq', 40);
INSERT INTO im_project (id, uuid, realname, name) VALUES
    (1, '11111111-0000-4000-8000-000000000001', 'system:1', 'system:1'),
    (2, '11111111-0000-4000-8000-000000000002', 'system:2', 'system:2');
INSERT INTO im_project (id, uuid, realname, name, is_base, owner_id, private, member_join_policy,
        member_leave_policy, limit_on_members_number) VALUES
    (30, '11111111-0000-4000-8000-00000000000a', 'lab.example.org', 'lab.example.org', false, 2, false, 1, 2,
        9223372036854775807);
INSERT INTO im_projectapplication (id, state, name, applicant_id, chain, owner_id, response, comments) VALUES
    (5, 1, 'lab.example.org', 2, 30, 2, 'fine', 'please'), (6, 0, NULL, 2, 30, NULL, NULL, NULL),
    (8, 0, NULL, 2, 30, NULL, NULL, NULL);
UPDATE im_project SET last_application_id = 8 WHERE id = 30;
INSERT INTO im_projectresourcegrant (project_capacity, member_capacity, project_application_id, resource_id) VALUES
    (900, 90, 5, 9), (1000, 100, 8, 9);
INSERT INTO im_projectresourcequota (project_capacity, member_capacity, project_id, resource_id) VALUES
    (3, 3, 1, 1), (5000, 5000, 1, 9), (9223372036854775807, 9223372036854775807, 1, 12), (900, 90, 30, 9);
INSERT INTO im_projectlog (from_state, to_state, date, reason, actor_id, project_id) VALUES
    (0, 1, '2014-02-03 04:05:07Z', 'fine', 1, 30);
INSERT INTO im_projectmembership (id, person_id, project_id) VALUES (1, 1, 1), (2, 2, 2), (20, 1, 30);
INSERT INTO im_projectmembershiplog (to_state, date, actor_id, membership_id) VALUES
    (1, '2014-02-04Z', 2, 20);
INSERT INTO im_invitation (realname) VALUES ('Nobody');
INSERT INTO oa2_client (id, name, identifier, secret, type, is_trusted, url) VALUES
    (2, 'Pithos view', 'pithos-view', 'view s3cret', 'confidential', true, 'https://old.example.org'),
    (3, 'A public one', 'public-one', NULL, 'public', false, '');
INSERT INTO oa2_redirecturl (url, client_id) VALUES
    ('https://old.example.org/pithos/ui/view', 2), ('https://two.example.org/view', 2),
    ('https://public.example.org/back', 3);

INSERT INTO quotaholder_app_holding (holder, source, resource, "limit", usage_min, usage_max)
    SELECT h.holder, h.source, h.resource, h.most, h.low, h.high FROM (VALUES
    ('project:11111111-0000-4000-8000-000000000001', NULL, 'pithos.diskspace', 5000, 70, 100),
    ('user:11111111-0000-4000-8000-000000000001', 'project:11111111-0000-4000-8000-000000000001',
        'pithos.diskspace', 5000, 70, 100),
    ('project:11111111-0000-4000-8000-00000000000a', NULL, 'pithos.diskspace', 900, 7, 7),
    ('project:11111111-0000-4000-8000-00000000000a', NULL, 'pithos.diskspace', 900, 0, 0),
    ('user:11111111-0000-4000-8000-000000000001', 'project:11111111-0000-4000-8000-00000000000a',
        'pithos.diskspace', 90, -5, 7)) AS h(holder, source, resource, most, low, high);
INSERT INTO quotaholder_app_commission (serial, clientkey, name) VALUES (41, 'pithos', 'an upload'),
    (43, 'gone', '');
SELECT setval('quotaholder_app_commission_serial_seq', 77);
INSERT INTO quotaholder_app_provision (holder, source, resource, quantity, serial_id) VALUES
    ('project:11111111-0000-4000-8000-000000000001', NULL, 'pithos.diskspace', 30, 41),
    ('user:11111111-0000-4000-8000-000000000001', 'project:11111111-0000-4000-8000-000000000001',
        'pithos.diskspace', 30, 41);
INSERT INTO quotaholder_app_provisionlog (serial, issue_time, log_time, holder, source, resource, "limit",
        usage_min, usage_max, delta_quantity, reason) VALUES
    (40, '2014-11-20T22:44:45.4221', '2014-11-20T22:44:46.42', 'project:11111111-0000-4000-8000-000000000001',
        NULL, 'pithos.diskspace', 5000, 60, 60, 60, 'ACCEPT:'),
    (39, '2014-11-20T22:44:45.4221', '2014-11-20T22:44:46.42', 'project:11111111-0000-4000-8000-000000000001',
        NULL, 'pithos.diskspace', 5000, 60, 60, 99, 'REJECT: no');

SELECT setval('oa2_client_id_seq', 3);
SELECT setval('auth_user_id_seq', 25);
SELECT setval('im_projectapplication_id_seq', 9);
SELECT setval('im_projectmembership_id_seq', 33);
