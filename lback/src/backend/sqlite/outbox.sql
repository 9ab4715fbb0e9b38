CREATE TABLE lback_outbox (
    seq INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL,
    receiver TEXT NOT NULL,
    signal TEXT NOT NULL,
    version INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    order_key TEXT,
    payload TEXT NOT NULL,
    -- Instants are milliseconds since 1970, in UTC.
    queued_at INTEGER NOT NULL,
    due_at INTEGER,
    dead_at INTEGER,
    lease TEXT,
    last_error TEXT
);
CREATE INDEX lback_outbox_due ON lback_outbox (receiver, signal, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lback_outbox_order ON lback_outbox (receiver, order_key, seq) WHERE order_key IS NOT NULL;
