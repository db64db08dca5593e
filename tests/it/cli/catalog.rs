//! Where the catalog of an Iceberg world is: in a file, at a server, behind REST.

use super::desk::{Desk, data};

/// A world of Iceberg tables with a table of airlines is written, and read by processes of their own.
fn lives(desk: &Desk, world: &str, catalog: &str) {
    let at = ["--catalog", catalog];
    desk.ok(&[&["init", world, "--tables", "iceberg"], &at[..]].concat());
    desk.ok(&[&["import", world, "airlines", &data("airlines.parquet")], &at[..]].concat());
    desk.ok(&[&["import", world, "airlines", &data("airlines.parquet")], &at[..]].concat());
    assert_eq!(desk.json(&[&["scan", world, "airlines"], &at[..]].concat()).len(), 32);
    desk.ok(&[&["compact", world], &at[..]].concat());
    desk.ok(&[&["verify", world], &at[..]].concat());
    let counted = desk.json(&[&["sql", world, "SELECT count(*) AS n FROM airlines"], &at[..]].concat());
    assert_eq!(counted[0]["n"], 32);
}

#[test]
fn a_catalog_in_a_file_of_another_folder() {
    let desk = Desk::new();
    lives(&desk, "world", "sqlite:elsewhere.db");
    assert!(desk.path("elsewhere.db").exists() && !desk.path("world/catalog.db").exists());
}

#[test]
fn what_is_no_catalog_is_refused() {
    let desk = Desk::new();
    for (catalog, message) in [
        ("mysql://host/db", "unknown kind of catalog"),
        ("http://host/path", "rest+http://"),
        ("sqlite:", "the catalog has no path"),
        #[cfg(feature = "iceberg-rest")]
        ("rest+http://host?nose=1", "unknown parameter of a REST catalog"),
        #[cfg(feature = "iceberg-rest")]
        ("rest+http://host?token=${THERE_IS_NONE}", "THERE_IS_NONE"),
        #[cfg(not(feature = "iceberg-rest"))]
        ("rest+http://host", "build with feature iceberg-rest"),
    ] {
        desk.refused(&["init", "world", "--tables", "iceberg", "--catalog", catalog], &[message]);
    }
}

#[cfg(feature = "iceberg-rest")]
mod rest {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::{Desk, lives};
    use crate::interop::peers::Group;

    /// A server of its own, which ends with the test.
    struct Served(Child);

    impl Drop for Served {
        fn drop(&mut self) {
            drop(self.0.stdin.take());
            drop(self.0.wait());
        }
    }

    #[test]
    fn a_catalog_behind_rest() {
        let Some(python) = Group::Newest.python() else { return };
        let (desk, place) = (Desk::new(), tempfile::tempdir().unwrap());
        let script = format!("{}/store-iceberg/tests/it/rest/server.py", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python);
        command.arg(script).arg(place.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut served = Served(command.spawn().unwrap());
        let mut port = String::new();
        BufReader::new(served.0.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let server = format!("rest+http://127.0.0.1:{}", port.trim());
        lives(&desk, "one", &format!("{server}?namespace=one"));
        lives(&desk, "two", &format!("{server}?namespace=two"));
        // The tables of a world are those of its namespace, and lie below it.
        let wrong = format!("{server}?namespace=two");
        desk.refused(&["scan", "one", "airlines", "--catalog", &wrong], &["not below the tables' root"]);
        drop(served);
        let gone = desk.run(&["scan", "one", "airlines", "--catalog", &format!("{server}?namespace=one")]);
        assert!(String::from_utf8_lossy(&gone.stderr).contains("cannot be reached"));
    }
}

#[cfg(feature = "s3")]
mod s3 {
    use std::io::{Read, Write};
    use std::net::TcpStream;

    use super::{Desk, lives};

    const ENDPOINT: &str = "WORLDSTORE_TEST_S3_ENDPOINT";

    /// A bucket of its own, and a profile `lab` that leads to it.
    fn bucket(desk: &Desk, name: &str) -> bool {
        let Ok(endpoint) = std::env::var(ENDPOINT) else {
            assert!(std::env::var_os("CI").is_none(), "{ENDPOINT} is not set");
            eprintln!("SKIPPED: {ENDPOINT} is not set. Run `cargo xtask test`, or `cargo xtask services --only s3`");
            return false;
        };
        let bucket = format!("{name}-{}", std::process::id());
        let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!(
            "PUT /{bucket} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\
             authorization: AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
        desk.write(
            "worldstore.toml",
            format!(
                "[profile.lab]\nuri = 's3://{bucket}'\nendpoint = '{endpoint}'\nregion = 'us-east-1'\nallow_http = true\n\
                 access_key_id = 'testing'\nsecret_access_key = 'testing-secret'\nupload_conditions = 'if_absent'\n"
            ),
        );
        true
    }

    #[test]
    fn an_iceberg_world_on_s3_with_its_catalog_in_a_file() {
        let desk = Desk::new();
        if !bucket(&desk, "iceberg-file") {
            return;
        }
        desk.refused(&["init", "profile:lab/world", "--tables", "iceberg"], &["needs a catalog elsewhere"]);
        lives(&desk, "profile:lab/world", "sqlite:catalog.db");
        assert!(desk.path("catalog.db").exists());
    }

    #[test]
    fn an_iceberg_world_on_s3_with_its_catalog_at_a_server() {
        let desk = Desk::new();
        let Some(server) = crate::interop::peers::postgres() else { return };
        if !bucket(&desk, "iceberg-server") {
            return;
        }
        let schema = format!("w{}", std::process::id());
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            use sqlx::Connection;
            let mut connection = sqlx::PgConnection::connect(&server).await.unwrap();
            sqlx::raw_sql(&format!("CREATE SCHEMA {schema}")).execute(&mut connection).await.unwrap();
        });
        let mark = if server.contains('?') { '&' } else { '?' };
        lives(&desk, "profile:lab/world", &format!("{server}{mark}options[search_path]={schema}"));
    }
}
