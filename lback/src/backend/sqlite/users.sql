CREATE TABLE users (
    id INTEGER NOT NULL PRIMARY KEY,
    username VARCHAR NOT NULL,
    email VARCHAR NOT NULL,
    password VARCHAR NOT NULL,
    is_active BOOLEAN NOT NULL,
    is_email_verified BOOLEAN NOT NULL,
    email_verification_token VARCHAR,
    email_verification_token_expiry DATETIME,
    auth_token VARCHAR,
    token_expiry DATETIME,
    created_at DATETIME NOT NULL,
    updated_at DATETIME NOT NULL
);
CREATE UNIQUE INDEX ix_users_username ON users (username);
CREATE UNIQUE INDEX ix_users_email ON users (email);
CREATE INDEX ix_users_auth_token ON users (auth_token);
CREATE INDEX ix_users_email_verification_token ON users (email_verification_token);
