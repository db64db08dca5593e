//! Azure Blob Storage: where the container is, who asks, and how requests are signed anew.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use http::Method;
use http::header::{AUTHORIZATION, HeaderName};
use object_store::ClientConfigKey;
use object_store::azure::{
    AzureAuthorizer, AzureConfigKey, AzureCredential, AzureCredentialProvider, MicrosoftAzure, MicrosoftAzureBuilder,
};
use object_store::client::{HttpRequest, HttpRequestBody};
use object_store::path::Path;
use url::Url;
use worldstore_core::{Capability, Error, Prefix, Result};

use crate::backend::ObjectStoreBackend;
use crate::connection::{Connection, bucket_and_root, endpoint, is_on, service};
use crate::direct::{Asks, Direct, failed};
use crate::protocol::{Commits, CopyHeader, Deletes, Links, Protocol, Versions};
use crate::wire::{Resign, Watching};

const PROTOCOL: Protocol = Protocol {
    versions: Versions::QuotedEtag,
    commits: Some(Commits { method: "PUT", query: "comp=blocklist", if_match: true }),
    deletes: Deletes::Direct,
    copy_header: Some(CopyHeader::Etag),
    suffix_ranges: false,
    delete_keys_max: 256,
    links: Links::PlainKeys,
    ..Protocol::ANY
};

/// Where a container is and who asks for it.
///
/// What is not set here comes from the environment: `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ACCOUNT_KEY`,
/// `AZURE_STORAGE_SAS_KEY`, `AZURE_ENDPOINT`, `AZURE_ALLOW_HTTP`, `AZURE_CLIENT_ID`, `AZURE_CLIENT_SECRET`,
/// `AZURE_TENANT_ID` and the rest of what object_store reads. Without any credentials those of the machine's managed
/// identity are asked for. Neither `Debug` nor any error shows a secret.
#[derive(Clone)]
pub struct AzureConfig {
    container: String,
    root: Prefix,
    account: Option<String>,
    endpoint: Option<String>,
    connection: Connection,
    credentials: Option<Credentials>,
}

#[derive(Clone)]
enum Credentials {
    AccessKey(String),
    SasToken(String),
    BearerToken(String),
}

impl AzureConfig {
    /// Names the container and the folder in it that is the root, as in `az://container/folder` or
    /// `azure://container/folder`. The folder is taken literally: nothing is decoded.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) with the reason.
    pub fn from_uri(uri: &str) -> Result<Self> {
        let (container, root) =
            bucket_and_root(uri, &["az", "azure"], "URI starts neither with az:// nor with azure://")?;
        check_container(container)?;
        let (container, connection) = (container.to_owned(), Connection::default());
        Ok(Self { container, root, account: None, endpoint: None, connection, credentials: None })
    }

    /// Sets the storage account.
    #[must_use]
    pub fn with_account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Sets the address of the service, `https://ACCOUNT.blob.core.windows.net` by default. Services that serve several
    /// accounts at one address have the account in it, as in `http://127.0.0.1:10000/devstoreaccount1`.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.endpoint = Some(endpoint.into());
        self
    }

    /// Sets deadlines, retries and transport.
    #[must_use]
    pub fn with_connection(mut self, connection: Connection) -> Self {
        self.connection = connection;
        self
    }

    /// Signs with a key of the account, in base64.
    #[must_use]
    pub fn with_access_key(mut self, access_key: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::AccessKey(access_key.into()));
        self
    }

    /// Uses a shared access signature, as in `sv=…&sig=…`. It signs no links.
    #[must_use]
    pub fn with_sas_token(mut self, token: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::SasToken(token.into()));
        self
    }

    /// Uses a token of Entra ID.
    #[must_use]
    pub fn with_bearer_token(mut self, token: impl Into<String>) -> Self {
        self.credentials = Some(Credentials::BearerToken(token.into()));
        self
    }

    /// Makes the backend. No I/O: whether the container is there shows in the first call, or in `check`.
    ///
    /// # Errors
    /// [`Invalid`](worldstore_core::ErrorKind::Invalid) for a wrong endpoint, for plain HTTP that is not allowed,
    /// without an account, and for values of the environment that cannot be read.
    pub fn connect(&self) -> Result<ObjectStoreBackend> {
        let signs = Arc::new(Signs::default());
        let watching = Watching::resigning(signs.clone()).rewriting("comp=list", crate::names::with_separators);
        let builder = self.builder(&watching)?;
        let account = builder.get_config_value(&AzureConfigKey::AccountName).unwrap_or_default();
        let address = builder.get_config_value(&AzureConfigKey::Endpoint);
        let address = address.unwrap_or_else(|| format!("https://{account}.blob.core.windows.net"));
        let address = service(&address)?;
        let container = endpoint(&format!("{address}/{}", self.container), true)?;
        let keeps_sas = builder.get_config_value(&AzureConfigKey::SasKey).is_some();
        let conditional = watching.built(self.build(builder.clone().with_retry(self.connection.once()))?);
        let store = Arc::new(watching.built(self.build(builder)?));
        // Set once: the builder makes the connection before there are credentials.
        let _ = signs.0.set(Access { credentials: store.credentials().clone(), account, container });
        let location = format!("az://{}", self.container);
        let signer = (!keeps_sas).then(|| store.clone() as Arc<dyn object_store::signer::Signer>);
        let direct = watching.client().map(|client| Direct::new(client, &*location, signer).asking(signs));
        Ok(ObjectStoreBackend::new(store, capability())
            .with_conditional_store(Arc::new(conditional))
            .with_name("az", location)
            .with_service(address)
            .with_root(self.root.clone())
            .with_protocol(PROTOCOL, direct))
    }

    fn builder(&self, watching: &Watching) -> Result<MicrosoftAzureBuilder> {
        let mut builder = MicrosoftAzureBuilder::from_env()
            .with_container_name(&self.container)
            .with_use_emulator(false)
            .with_http_connector(watching.clone())
            .with_retry(self.connection.retry());
        for (key, value) in self.connection.settings() {
            builder = builder.with_config(AzureConfigKey::Client(key), value);
        }
        if let Some(account) = &self.account {
            builder = builder.with_account(account);
        }
        if let Some(endpoint) = &self.endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/').to_owned());
        }
        builder = match &self.credentials {
            Some(Credentials::AccessKey(key)) => builder.with_access_key(key),
            Some(Credentials::SasToken(token)) => builder.with_config(AzureConfigKey::SasKey, token),
            Some(Credentials::BearerToken(token)) => builder.with_bearer_token_authorization(token),
            None => builder,
        };
        if builder.get_config_value(&AzureConfigKey::AccountName).is_none() {
            return Err(Error::invalid("no storage account: set it, or AZURE_STORAGE_ACCOUNT_NAME")
                .with("container", &self.container));
        }
        let http = AzureConfigKey::Client(ClientConfigKey::AllowHttp);
        let http_allowed = builder.get_config_value(&http).is_some_and(|value| is_on(&value));
        if let Some(address) = builder.get_config_value(&AzureConfigKey::Endpoint) {
            endpoint(&address, http_allowed)?;
        }
        Ok(builder)
    }

    fn build(&self, builder: MicrosoftAzureBuilder) -> Result<MicrosoftAzure> {
        builder.build().map_err(|error| {
            let message = "the settings make no connection to Azure";
            Error::invalid(message).with("container", &self.container).caused_by(error)
        })
    }
}

fn capability() -> Capability {
    let mut capability = Capability::read_only();
    capability.write = true;
    capability.write_if_absent = true;
    capability.write_if_match = true;
    capability.delete_if_match = true;
    capability.write_tokens = true;
    capability.copy = true;
    capability.copy_if_absent = true;
    capability.copy_if_match = true;
    // The order of characters outside of the first 65,536 is not documented, and Azurite has them before others.
    capability.list_sorted = false;
    capability.versions = true;
    capability.durable = true;
    capability
}

fn check_container(container: &str) -> Result<()> {
    let broken = |reason: &'static str| Err(Error::invalid(reason).with("container", container));
    if !(3..=63).contains(&container.len()) {
        return broken("name of a container has 3 to 63 characters");
    }
    if !container.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        return broken("name of a container has only small letters, digits and hyphens");
    }
    if container.starts_with('-') || container.ends_with('-') || container.contains("--") {
        return broken("name of a container begins and ends with a letter or digit and has no two hyphens in a row");
    }
    Ok(())
}

/// Signs with the key of an account, which covers conditions. Tokens cover no header, and stay.
#[derive(Default)]
struct Signs(OnceLock<Access>);

struct Access {
    credentials: AzureCredentialProvider,
    account: String,
    container: Url,
}

#[async_trait]
impl Resign for Signs {
    async fn resign(&self, request: &mut HttpRequest) {
        let Some(access) = self.0.get() else { return };
        // The request was signed a moment ago with the same credentials; without them the service refuses it.
        let Ok(credential) = access.credentials.get_credential().await else { return };
        if matches!(*credential, AzureCredential::AccessKey(_)) {
            request.headers_mut().remove(AUTHORIZATION);
            AzureAuthorizer::new(&credential, &access.account).authorize(request);
        }
    }
}

#[async_trait]
impl Asks for Signs {
    async fn ask(&self, method: Method, path: &Path, header: (HeaderName, &str)) -> object_store::Result<HttpRequest> {
        let access = self.0.get().ok_or_else(|| failed("the service is not known yet"))?;
        let mut url = access.container.clone();
        let mut segments = url.path_segments_mut().map_err(|()| failed("the address has no path"))?;
        segments.extend(path.parts());
        drop(segments);
        let request = http::Request::builder().method(method).uri(url.as_str()).header(header.0, header.1);
        let mut request = request.body(HttpRequestBody::empty()).map_err(failed)?;
        let credential = access.credentials.get_credential().await?;
        AzureAuthorizer::new(&credential, &access.account).authorize(&mut request);
        Ok(request)
    }
}

impl fmt::Debug for AzureConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { "set" } else { "from the environment" };
        f.debug_struct("AzureConfig")
            .field("container", &self.container)
            .field("root", &self.root)
            .field("account", &self.account)
            .field("endpoint", &self.endpoint)
            .field("connection", &self.connection)
            .field("credentials", &format_args!("{credentials}"))
            .finish()
    }
}

#[cfg(test)]
mod tests;
