CREATE TABLE lback_outbox (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id UUID NOT NULL,
    receiver TEXT NOT NULL,
    signal TEXT NOT NULL,
    version BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    order_key TEXT,
    payload TEXT NOT NULL,
    queued_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    due_at TIMESTAMPTZ DEFAULT now(),
    dead_at TIMESTAMPTZ,
    lease TEXT,
    last_error TEXT
) WITH (
    -- Rows are written, claimed and deleted soon after: room for the claim, and a vacuum that keeps up.
    fillfactor = 70,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 1000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 1000,
    autovacuum_vacuum_cost_delay = 0
);
CREATE INDEX lback_outbox_due ON lback_outbox (receiver, signal, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX lback_outbox_order ON lback_outbox (receiver, order_key, seq) WHERE order_key IS NOT NULL;
