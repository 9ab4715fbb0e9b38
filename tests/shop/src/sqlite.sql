CREATE TABLE countries (code TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE customers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    country TEXT NOT NULL REFERENCES countries,
    card TEXT
);
CREATE TABLE products (
    id INTEGER NOT NULL PRIMARY KEY,
    sku TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    price BIGINT NOT NULL,
    blurb TEXT,
    stock INTEGER NOT NULL DEFAULT 10
);
CREATE TABLE orders (
    id INTEGER NOT NULL PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customers,
    status TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE TABLE order_lines (
    id INTEGER NOT NULL PRIMARY KEY,
    order_id BIGINT NOT NULL REFERENCES orders,
    product INTEGER NOT NULL REFERENCES products,
    quantity INTEGER NOT NULL
);
CREATE TABLE moves (
    id INTEGER NOT NULL PRIMARY KEY,
    product INTEGER NOT NULL,
    amount INTEGER NOT NULL,
    shelf TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE TABLE tickets (
    code TEXT NOT NULL PRIMARY KEY DEFAULT (lower(hex(randomblob(16)))),
    holder TEXT NOT NULL
);
