CREATE TABLE IF NOT EXISTS users (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    username VARCHAR(150) NOT NULL,
    email VARCHAR(254) NOT NULL,
    password VARCHAR(255) NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_email_verified BOOLEAN NOT NULL,
    email_verification_token VARCHAR(255),
    email_verification_token_expiry DATETIME(6),
    auth_token VARCHAR(255),
    token_expiry DATETIME(6),
    created_at DATETIME(6) NOT NULL,
    updated_at DATETIME(6) NOT NULL,
    UNIQUE KEY ix_users_username (username),
    UNIQUE KEY ix_users_email (email),
    KEY ix_users_auth_token (auth_token),
    KEY ix_users_email_verification_token (email_verification_token)
) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
