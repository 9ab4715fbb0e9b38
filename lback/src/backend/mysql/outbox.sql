CREATE TABLE IF NOT EXISTS lback_outbox (
    seq BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    receiver VARCHAR(191) NOT NULL,
    `signal` VARCHAR(191) NOT NULL,
    version BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    order_key VARCHAR(191),
    payload LONGTEXT NOT NULL,
    queued_at DATETIME(6) NOT NULL,
    due_at DATETIME(6),
    dead_at DATETIME(6),
    lease CHAR(36) CHARACTER SET ascii COLLATE ascii_bin,
    last_error TEXT,
    KEY lback_outbox_due (receiver, `signal`, due_at),
    KEY lback_outbox_order (receiver, order_key, seq)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
