-- An empty repository, as the migrations make it: new ones are made from this, without importing SQLAlchemy.
-- Written by `python -m redun_backend_sql.write_schema`; a test compares it with the migrations.

CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE scheduler (
    id TEXT NOT NULL,
    host TEXT NOT NULL,
    heartbeat FLOAT NOT NULL,
    PRIMARY KEY (id)
)
 WITHOUT ROWID
;

CREATE TABLE execution (
    id INTEGER NOT NULL,
    uuid TEXT NOT NULL,
    args TEXT NOT NULL,
    status SMALLINT NOT NULL,
    start_time FLOAT NOT NULL,
    updated_time FLOAT NOT NULL,
    end_time FLOAT,
    scheduler_id TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX execution_by_uuid ON execution (uuid);

CREATE INDEX execution_by_start ON execution (start_time, id);

CREATE INDEX execution_by_sequence ON execution (sequence);

CREATE TABLE task (
    id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT,
    source TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX task_by_hash ON task (hash);

CREATE INDEX task_by_name ON task (name, namespace);

CREATE TABLE task_set (
    id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    members BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX task_set_by_hash ON task_set (hash);

CREATE TABLE value_kind (
    id INTEGER NOT NULL,
    type_name TEXT NOT NULL,
    codec TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX value_kind_by_name ON value_kind (type_name, codec);

CREATE TABLE executor (
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX executor_by_name ON executor (name);

CREATE TABLE signature (
    id INTEGER NOT NULL,
    names TEXT NOT NULL,
    PRIMARY KEY (id)
);

CREATE UNIQUE INDEX signature_by_names ON signature (names);

CREATE TABLE value (
    id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    kind_id INTEGER NOT NULL,
    path TEXT,
    children BLOB,
    data BLOB NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX value_by_hash ON value (substr(hash, 1, 8));

CREATE INDEX value_by_path ON value (path, id) WHERE path IS NOT NULL;

CREATE TABLE value_child (
    child_hash BLOB NOT NULL,
    value_id INTEGER NOT NULL,
    PRIMARY KEY (child_hash, value_id)
)
 WITHOUT ROWID
;

CREATE TABLE call (
    id INTEGER NOT NULL,
    eval_hash BLOB NOT NULL,
    task_id INTEGER NOT NULL,
    time FLOAT NOT NULL,
    is_error SMALLINT NOT NULL,
    signature_id INTEGER,
    task_set_id INTEGER,
    kind_id INTEGER,
    inline BLOB,
    call_hash BLOB,
    value_hash BLOB,
    raw_hash BLOB,
    args_hash BLOB NOT NULL,
    context_hash BLOB,
    arguments BLOB,
    children BLOB,
    PRIMARY KEY (id)
);

CREATE INDEX call_by_eval ON call (substr(eval_hash, 1, 8));

CREATE INDEX call_by_hash ON call (substr(call_hash, 1, 8));

CREATE INDEX call_by_value ON call (substr(value_hash, 1, 8));

CREATE TABLE call_argument (
    value_prefix BLOB NOT NULL,
    call_id INTEGER NOT NULL,
    PRIMARY KEY (value_prefix, call_id)
)
 WITHOUT ROWID
;

CREATE TABLE job (
    execution_id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    parent INTEGER,
    task_id INTEGER NOT NULL,
    call_id INTEGER,
    status SMALLINT NOT NULL,
    attempt INTEGER NOT NULL,
    executor_id INTEGER NOT NULL,
    start_time FLOAT NOT NULL,
    end_time FLOAT,
    eval_hash BLOB,
    options_hash BLOB,
    PRIMARY KEY (execution_id, number)
)
 WITHOUT ROWID
;

CREATE INDEX job_by_parent ON job (execution_id, parent, number);

CREATE INDEX job_by_task ON job (task_id, execution_id, number);

CREATE INDEX job_by_call ON job (call_id, execution_id, number);

CREATE TABLE job_count (
    execution_id INTEGER NOT NULL,
    task_id INTEGER NOT NULL,
    status SMALLINT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (execution_id, task_id, status)
)
 WITHOUT ROWID
;

CREATE TABLE tag (
    id INTEGER NOT NULL,
    entity_kind SMALLINT NOT NULL,
    entity_id TEXT NOT NULL,
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    is_current SMALLINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX tag_by_entity ON tag (entity_id, entity_kind);

CREATE INDEX tag_by_key ON tag ("key", substr(value, 1, 64));

CREATE TABLE handle (
    id INTEGER NOT NULL,
    hash BLOB NOT NULL,
    fullname TEXT NOT NULL,
    "key" TEXT NOT NULL,
    is_valid SMALLINT NOT NULL,
    PRIMARY KEY (id)
);

CREATE INDEX handle_by_hash ON handle (substr(hash, 1, 8));

CREATE TABLE handle_edge (
    parent_id INTEGER NOT NULL,
    child_id INTEGER NOT NULL,
    step SMALLINT NOT NULL,
    PRIMARY KEY (parent_id, child_id)
)
 WITHOUT ROWID
;

CREATE INDEX job_unfinished ON job (execution_id, number) WHERE status = 1 OR status = 4 OR status = 5;

CREATE INDEX tag_by_key_and_id ON tag ("key", id);

INSERT INTO alembic_version (version_num) VALUES ('0003');
