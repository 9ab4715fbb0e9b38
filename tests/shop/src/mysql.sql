CREATE TABLE countries (code VARCHAR(2) NOT NULL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE customers (
    id CHAR(36) NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    country VARCHAR(2) NOT NULL,
    card TEXT,
    FOREIGN KEY (country) REFERENCES countries (code)
);
CREATE TABLE products (
    id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
    sku VARCHAR(100) NOT NULL UNIQUE,
    kind VARCHAR(10) NOT NULL,
    price BIGINT NOT NULL,
    blurb TEXT,
    stock INTEGER NOT NULL DEFAULT 10
);
CREATE TABLE orders (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    customer CHAR(36) NOT NULL,
    status VARCHAR(10) NOT NULL,
    details JSON NOT NULL,
    FOREIGN KEY (customer) REFERENCES customers (id)
);
CREATE TABLE order_lines (
    id INTEGER NOT NULL AUTO_INCREMENT PRIMARY KEY,
    order_id BIGINT NOT NULL,
    product INTEGER NOT NULL,
    quantity INTEGER NOT NULL,
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (product) REFERENCES products (id)
);
CREATE TABLE moves (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    product INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    shelf VARCHAR(10) NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE tickets (
    code VARCHAR(36) NOT NULL PRIMARY KEY DEFAULT (uuid()),
    holder TEXT NOT NULL
);
