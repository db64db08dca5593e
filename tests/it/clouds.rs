//! Profiles of services: their settings reach them, and wrong ones are told. Nothing here needs a service.

use worldstore::config::{Config, Lookup};
use worldstore::registry::{OpenOptions, Registry};
use worldstore::{Error, ErrorKind, Result, Storage};

async fn open(profile: &str) -> Result<Storage> {
    let text = format!("[profile.lab]\n{profile}");
    let config = Config::parse(&text, "some.toml", &Lookup::none())?;
    Registry::compiled_in().with_config(config)?.open("profile:lab", &OpenOptions::default()).await
}

async fn refused(profile: &str) -> Error {
    let error = open(profile).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error:?}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
    error
}

const CONNECTION: &str = "allow_http = true\nconnect_timeout_ms = 100\nrequest_timeout_ms = 200\nretries_max = 0\n\
                          retry_budget_ms = 300\nendpoint = 'http://127.0.0.1:1'\n";

/// Nothing listens there: whoever has read the endpoint and the retries fails at once.
async fn reaches_for_its_endpoint(profile: &str, scheme: &str) {
    let storage = open(profile).await.unwrap();
    assert_eq!(storage.backend.info().scheme, scheme);
    assert!(storage.sync_backend.is_none() && storage.folder.is_none());
    assert!(!format!("{storage:?}").contains("hidden"), "{storage:?}");
    let error = storage.store().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error:?}");
    assert!(!format!("{error:?}").contains("hidden"), "{error:?}");
}

#[cfg(feature = "s3")]
#[tokio::test]
async fn s3_has_its_settings() {
    let keys = "access_key_id = 'id'\nsecret_access_key = 'hidden'\n";
    let profile = format!("uri = 's3://bucket/lab/'\nregion = 'eu-central-1'\n{keys}{CONNECTION}");
    assert_eq!(open(&profile).await.unwrap().location, "s3://bucket/lab");
    reaches_for_its_endpoint(&profile, "s3").await;
    let without = open(&format!("{profile}conditions = false\n")).await.unwrap();
    assert!(!without.backend.info().capability.write_if_absent);
    let with = open(&format!("{profile}delete_conditions = true\n")).await.unwrap();
    assert!(with.backend.info().capability.delete_if_match && with.backend.info().capability.write_if_absent);
    for (setting, message) in [
        ("secret_access_key = 'hidden'\n", "needs: access_key_id"),
        ("access_key_id = 'hidden'\n", "needs: secret_access_key"),
        ("conditions = 'hidden'\n", "neither true nor false, setting: conditions"),
        ("upload_conditions = 'hidden'\n", "none of kept, if_absent, missing"),
        ("retries_max = -1\n", "no whole number, setting: retries_max"),
        ("request_timeout_ms = 0\n", "at least 1 millisecond, setting: request_timeout_ms"),
        ("password = 'hidden'\n", "unknown setting, setting: password, scheme: s3"),
        ("endpoint = 'http://127.0.0.1:1'\n", "plain HTTP"),
    ] {
        let error = refused(&format!("uri = 's3://bucket/lab'\n{setting}")).await.to_string();
        assert!(error.contains(message) && error.contains("profile: lab"), "{error}");
        assert_eq!(error.contains("at: some.toml:3"), !setting.starts_with("endpoint"), "{error}");
    }
}

#[cfg(feature = "azure")]
#[tokio::test]
async fn azure_has_its_settings() {
    let profile = format!("uri = 'az://container/lab'\naccount = 'lab'\n{CONNECTION}");
    for credentials in ["access_key = 'aGlkZGVu'\n", "sas_token = 'sv=1&sig=hidden'\n", "bearer_token = 'hidden'\n"] {
        reaches_for_its_endpoint(&format!("{profile}{credentials}"), "az").await;
    }
    let error = refused(&format!("{profile}bearer_token = 'hidden'\nsas_token = 'sv=1&sig=hidden'\n")).await;
    assert!(error.to_string().contains("only one of these settings"), "{error}");
}

#[cfg(feature = "gcs")]
#[tokio::test]
async fn gcs_has_its_settings() {
    let profile = format!("uri = 'gs://bucket/lab'\n{CONNECTION}");
    for credentials in
        ["anonymous = true\n", "bearer_token = 'hidden'\n", "anonymous = false\nbearer_token = 'hidden'\n"]
    {
        reaches_for_its_endpoint(&format!("{profile}{credentials}"), "gs").await;
    }
    let error = refused(&format!("{profile}anonymous = true\nbearer_token = 'hidden'\n")).await;
    assert!(error.to_string().contains("only one of these settings"), "{error}");
    refused(&format!("{profile}service_account_key = 'hidden'\n")).await;
    refused(&format!("{profile}anonymous = 'hidden'\nbearer_token = 'hidden'\n")).await;
}

#[cfg(feature = "http")]
#[tokio::test]
async fn http_has_its_settings() {
    let options = OpenOptions::default();
    for uri in ["http://127.0.0.1:1/lab", "https://127.0.0.1:1/lab"] {
        let storage = Registry::compiled_in().open(uri, &options).await.unwrap();
        assert_eq!(storage.backend.info().scheme, uri.split(':').next().unwrap());
    }
    open("uri = 'https://host/lab'\nredirects = 'any_host'\n").await.unwrap();
    let error = refused("uri = 'https://host/lab'\nredirects = 'hidden'\n").await.to_string();
    assert!(error.contains("neither same_host nor any_host"), "{error}");
    let error = refused("uri = 'http://host/lab'\nallow_http = false\n").await.to_string();
    assert!(error.contains("plain HTTP"), "{error}");
}
