//! Says which databases this run leaves out, and how to have them.

fn main() {
    let postgres = cfg!(feature = "postgres");
    let mysql = cfg!(feature = "mysql");
    for (name, feature, is_on, variable) in [
        (
            "PostgreSQL",
            "postgres",
            postgres,
            "LBACK_TEST_POSTGRES_URL",
        ),
        ("MySQL and MariaDB", "mysql", mysql, "LBACK_TEST_MYSQL_URL"),
    ] {
        let reason = if !is_on {
            format!("the feature `{feature}` of lback-tests is off")
        } else if std::env::var_os(variable).is_none() {
            format!("{variable} is not set (`tests/services up` starts a server)")
        } else {
            continue;
        };
        println!("{name}: left out, {reason}");
    }
}
