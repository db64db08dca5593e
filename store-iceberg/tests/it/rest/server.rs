//! A small server of Iceberg's REST protocol, which checks requirements with Iceberg's own code and fails as it is told.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use iceberg::spec::{FormatVersion, Schema, SortOrder, TableMetadata, TableMetadataBuilder, UnboundPartitionSpec};
use iceberg::{TableRequirement, TableUpdate};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use worldstore_async::AsyncBackend;
use worldstore_core::{Key, WriteOptions, percent};

use crate::LOCATION;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// It is answered so, and does nothing.
    Status(u16),
    /// It is done, and answered so.
    DoneBut(u16),
    /// It is done, and the connection closes without an answer.
    LoseReply,
    /// The connection closes without an answer, and nothing is done.
    Close,
    /// It is done and answered, without this property.
    Forget(&'static str),
    /// It is done, and the answer says that a page follows.
    More,
}

#[derive(Clone)]
struct Table {
    metadata: TableMetadata,
    location: String,
    written: u32,
}

type Tables = BTreeMap<(String, String), Table>;

/// What another program does.
type Meanwhile = Box<dyn FnOnce(&mut Tables) + Send>;

#[derive(Default)]
struct State {
    namespaces: Vec<String>,
    tables: Tables,
    /// Method, a part of the path, what happens, and how often.
    rules: Vec<(&'static str, String, Trouble, usize)>,
    requests: Vec<String>,
    /// What is done just before a request with this method is looked at, one after the other.
    meanwhile: VecDeque<(&'static str, Meanwhile)>,
    /// None: nobody is asked for a token.
    token: Option<u32>,
}

struct Shared {
    backend: Arc<dyn AsyncBackend>,
    state: Mutex<State>,
}

pub struct Server {
    pub uri: String,
    shared: Arc<Shared>,
}

type Reply = (u16, Value);

impl Server {
    /// A server whose metadata files go to this backend.
    pub async fn start(backend: Arc<dyn AsyncBackend>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("rest+http://{}/base", listener.local_addr().unwrap());
        let shared = Arc::new(Shared { backend, state: Mutex::default() });
        let server = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = Arc::clone(&server);
                // A connection that breaks is what the client then sees.
                tokio::spawn(async move { server.serve(client).await });
            }
        });
        Self { uri, shared }
    }

    /// Lets so many requests with this method, and this in their path, fail.
    pub fn fail(&self, method: &'static str, path: &str, trouble: Trouble, times: usize) {
        self.shared.state.lock().unwrap().rules.push((method, path.to_owned(), trouble, times));
    }

    pub fn heal(&self) {
        self.shared.state.lock().unwrap().rules.clear();
    }

    /// From now on only the newest token is taken, and there is a new one.
    pub fn ask_for_token(&self) {
        let mut state = self.shared.state.lock().unwrap();
        state.token = Some(state.token.unwrap_or(0) + 1);
    }

    /// The requests since the last call.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.state.lock().unwrap().requests)
    }

    /// Changes a table as another program does that asks nobody.
    pub fn change(&self, table: &str, change: impl FnOnce(TableMetadataBuilder) -> TableMetadataBuilder) {
        let mut state = self.shared.state.lock().unwrap();
        changed(state.tables.get_mut(&key_of(table)).unwrap(), change);
    }

    /// Enters a table under another name too, as another program does.
    pub fn enter_again(&self, table: &str, name: &str) {
        let mut state = self.shared.state.lock().unwrap();
        let held = state.tables[&key_of(table)].clone();
        state.tables.insert(key_of(name), held);
    }

    /// As [`change`](Self::change), when the next request with this method comes after the change before, if there was one;
    /// the table as it is now, should it be gone by then.
    pub fn change_at(
        &self,
        method: &'static str,
        table: &str,
        change: impl FnOnce(TableMetadataBuilder) -> TableMetadataBuilder + Send + 'static,
    ) {
        let mut state = self.shared.state.lock().unwrap();
        let (key, now) = (key_of(table), state.tables[&key_of(table)].clone());
        state.meanwhile.push_back((method, Box::new(move |tables| changed(tables.entry(key).or_insert(now), change))));
    }
}

fn key_of(table: &str) -> (String, String) {
    ("world".to_owned(), table.to_owned())
}

fn changed(table: &mut Table, change: impl FnOnce(TableMetadataBuilder) -> TableMetadataBuilder) {
    let builder = table.metadata.clone().into_builder(Some(table.location.clone()));
    table.metadata = change(builder).build().unwrap().metadata;
    table.location.push('x');
}

impl Shared {
    async fn serve(&self, mut client: TcpStream) -> std::io::Result<()> {
        let mut buffer = Vec::new();
        while let Some((method, path, head, body)) = receive(&mut client, &mut buffer).await? {
            let trouble = self.trouble(&method, &path);
            let reply = match trouble {
                Some(Trouble::Status(status)) => error(status, "told to fail"),
                Some(Trouble::Close) => return Ok(()),
                _ => self.answer(&method, &path, &head, &body, trouble).await,
            };
            let (status, mut value) = match trouble {
                Some(Trouble::LoseReply) => return Ok(()),
                Some(Trouble::DoneBut(status)) => error(status, "told to fail"),
                _ => reply,
            };
            if trouble == Some(Trouble::More) {
                value["next-page-token"] = json!("more");
            }
            let text = value.to_string();
            let head = format!(
                "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                text.len()
            );
            client.write_all(head.as_bytes()).await?;
            client.write_all(text.as_bytes()).await?;
        }
        Ok(())
    }

    fn trouble(&self, method: &str, path: &str) -> Option<Trouble> {
        let mut state = self.state.lock().unwrap();
        state.requests.push(format!("{method} {path}"));
        if let Some((_, meanwhile)) = state.meanwhile.pop_front_if(|(of, _)| *of == method) {
            meanwhile(&mut state.tables);
        }
        let fits = |rule: &&mut (&str, String, Trouble, usize)| {
            rule.3 > 0 && rule.0 == method && path.contains(rule.1.as_str())
        };
        let rule = state.rules.iter_mut().find(fits)?;
        rule.3 -= 1;
        Some(rule.2)
    }

    async fn answer(&self, method: &str, path: &str, head: &str, body: &[u8], trouble: Option<Trouble>) -> Reply {
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        if parts[..] == ["base", "v1", "oauth", "tokens"] {
            return self.token(body);
        }
        if let Some(token) = self.state.lock().unwrap().token
            && !head.to_lowercase().contains(&format!("authorization: bearer token-{token}\r\n"))
        {
            return error(401, "no such token");
        }
        let body: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
        match (method, &parts[2..]) {
            ("GET", ["config"]) => (200, json!({ "defaults": { "prefix": "a%2Fb" }, "overrides": {} })),
            (_, ["a%2Fb", "namespaces", rest @ ..]) => self.namespace(method, rest, &body, trouble).await,
            _ => error(404, "no such path"),
        }
    }

    fn token(&self, body: &[u8]) -> Reply {
        let form = String::from_utf8_lossy(body);
        let state = self.state.lock().unwrap();
        let right = form.contains("client_id=me") && form.contains("client_secret=hidden");
        match right && form.contains("grant_type=client_credentials") {
            true => {
                (200, json!({ "access_token": format!("token-{}", state.token.unwrap_or(0)), "token_type": "bearer" }))
            }
            false => (400, json!({ "error": "invalid_client" })),
        }
    }

    async fn namespace(&self, method: &str, rest: &[&str], body: &Value, trouble: Option<Trouble>) -> Reply {
        match (method, rest) {
            ("POST", []) => {
                let name = body["namespace"][0].as_str().unwrap().to_owned();
                let mut state = self.state.lock().unwrap();
                if state.namespaces.contains(&name) {
                    return error(409, "there already");
                }
                state.namespaces.push(name.clone());
                (200, json!({ "namespace": [name], "properties": {} }))
            }
            ("GET", [name]) => match self.state.lock().unwrap().namespaces.iter().any(|known| known == name) {
                true => (200, json!({ "namespace": [name], "properties": {} })),
                false => error(404, "no such namespace"),
            },
            ("GET", [space, "tables"]) => {
                let state = self.state.lock().unwrap();
                let all = state.tables.keys().filter(|(found, _)| found == space);
                let all: Vec<_> = all.map(|(_, name)| json!({ "namespace": [space], "name": name })).collect();
                (200, json!({ "identifiers": all }))
            }
            ("POST", [space, "tables"]) => self.create(space, body, trouble).await,
            ("POST", [space, "register"]) => self.register(space, body).await,
            (method, [space, "tables", table]) => {
                let table = percent::decode(table).unwrap();
                self.table(method, space, &table, body, trouble).await
            }
            _ => error(404, "no such path"),
        }
    }

    async fn create(&self, space: &str, body: &Value, trouble: Option<Trouble>) -> Reply {
        let (name, location) = (body["name"].as_str().unwrap(), body["location"].as_str().unwrap());
        let schema: Schema = serde_json::from_value(body["schema"].clone()).unwrap();
        let spec: Option<UnboundPartitionSpec> = serde_json::from_value(body["partition-spec"].clone()).unwrap();
        let mut properties: HashMap<String, String> = serde_json::from_value(body["properties"].clone()).unwrap();
        if trouble == Some(Trouble::Forget("set-properties")) {
            properties.clear();
        }
        let spec = spec.unwrap_or_default();
        let order = SortOrder::unsorted_order();
        let made = TableMetadataBuilder::new(schema, spec, order, location.to_owned(), FormatVersion::V2, properties);
        let metadata = made.unwrap().build().unwrap().metadata;
        self.enter(space, name, metadata, None).await
    }

    async fn register(&self, space: &str, body: &Value) -> Reply {
        let (name, location) = (body["name"].as_str().unwrap(), body["metadata-location"].as_str().unwrap());
        let key = Key::new(location.strip_prefix(LOCATION).unwrap().trim_start_matches('/')).unwrap();
        let file = crate::bytes_of(&self.backend, &key).await;
        let mut text = Vec::new();
        match file.starts_with(&[0x1f, 0x8b]) {
            true => drop(std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&file[..]), &mut text).unwrap()),
            false => text = file,
        }
        let metadata = serde_json::from_slice(&text).unwrap();
        self.enter(space, name, metadata, Some(location)).await
    }

    async fn enter(&self, space: &str, name: &str, metadata: TableMetadata, location: Option<&str>) -> Reply {
        let table = match location {
            Some(location) => Table { metadata, location: location.to_owned(), written: 0 },
            None => Table { location: self.write(&metadata, 0).await, metadata, written: 0 },
        };
        let mut state = self.state.lock().unwrap();
        if !state.namespaces.iter().any(|known| known == space) {
            return error(404, "no such namespace");
        }
        let key = (space.to_owned(), name.to_owned());
        if state.tables.contains_key(&key) {
            return error(409, "there already");
        }
        let reply = loaded(&table);
        state.tables.insert(key, table);
        reply
    }

    async fn table(&self, method: &str, space: &str, name: &str, body: &Value, trouble: Option<Trouble>) -> Reply {
        let key = (space.to_owned(), name.to_owned());
        if method == "DELETE" {
            return match self.state.lock().unwrap().tables.remove(&key) {
                Some(_) => (200, Value::Null),
                None => error(404, "no such table"),
            };
        }
        let (metadata, location, written) = match self.state.lock().unwrap().tables.get(&key) {
            Some(table) if method == "GET" => return loaded(table),
            Some(table) => (table.metadata.clone(), table.location.clone(), table.written + 1),
            None => return error(404, "no such table"),
        };
        let requirements: Vec<TableRequirement> = serde_json::from_value(body["requirements"].clone()).unwrap();
        if requirements.iter().any(|requirement| requirement.check(Some(&metadata)).is_err()) {
            return error(409, "a requirement failed");
        }
        let updates: Vec<TableUpdate> = serde_json::from_value(body["updates"].clone()).unwrap();
        let mut builder = metadata.into_builder(Some(location.clone()));
        for update in updates {
            let left_out = match (&update, trouble) {
                (TableUpdate::SetProperties { .. }, Some(Trouble::Forget(what))) => what == "set-properties",
                (TableUpdate::RemoveSnapshots { .. }, Some(Trouble::Forget(what))) => what == "remove-snapshots",
                _ => false,
            };
            if !left_out {
                builder = update.apply(builder).unwrap();
            }
        }
        let metadata = builder.build().unwrap().metadata;
        let table = Table { location: self.write(&metadata, written).await, metadata, written };
        let mut state = self.state.lock().unwrap();
        match state.tables.get_mut(&key) {
            // Another commit came while the file was written.
            Some(held) if held.location != location => error(409, "another came first"),
            Some(held) => {
                *held = table;
                loaded(held)
            }
            None => error(404, "no such table"),
        }
    }

    async fn write(&self, metadata: &TableMetadata, number: u32) -> String {
        let location = format!("{}/metadata/{number:05}-{}.metadata.json", metadata.location(), uuid::Uuid::new_v4());
        let key = Key::new(location.strip_prefix(LOCATION).unwrap().trim_start_matches('/')).unwrap();
        let body = serde_json::to_vec(metadata).unwrap();
        let _ = self.backend.write(&key, body.into(), &WriteOptions::if_absent()).await.unwrap();
        location
    }
}

fn loaded(table: &Table) -> Reply {
    (200, json!({ "metadata-location": table.location, "metadata": table.metadata, "config": {} }))
}

fn error(status: u16, message: &str) -> Reply {
    (status, json!({ "error": { "message": message, "type": "Told", "code": status } }))
}

/// The next request of a connection: method, path, head and body.
async fn receive(
    client: &mut TcpStream,
    buffer: &mut Vec<u8>,
) -> std::io::Result<Option<(String, String, String, Vec<u8>)>> {
    let mut chunk = vec![0; 65_536];
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end + 4]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().unwrap())
            });
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = buffer[end + 4..whole].to_vec();
                buffer.drain(..whole);
                let mut words = head.split(' ').map(str::to_owned);
                let (method, path) = (words.next().unwrap(), words.next().unwrap());
                return Ok(Some((method, path, head, body)));
            }
        }
        match client.read(&mut chunk).await? {
            0 => return Ok(None),
            read => buffer.extend_from_slice(&chunk[..read]),
        }
    }
}
