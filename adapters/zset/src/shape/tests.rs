//! Shapes of the types that rows have, and of those that refuse to tell.

use std::collections::BTreeMap;

use expect_test::expect;
use serde::{Deserialize, Serialize};

use super::Shape;
use crate::{Desc, Real};

#[derive(Serialize, Deserialize)]
struct Place {
    name: String,
    height: Option<f32>,
    kind: Kind,
    tags: Vec<String>,
    at: (i64, Desc<Real>),
    counts: BTreeMap<String, u8>,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Hill,
    Valley { depth: u32 },
}

#[derive(Serialize, Deserialize)]
struct Tree {
    label: char,
    children: Vec<Tree>,
    parent: Option<Box<Tree>>,
}

#[derive(Serialize, Deserialize)]
struct Strict {
    before: bool,
    picky: Picky,
    after: bool,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Picky(String);

impl TryFrom<String> for Picky {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() { Err("it is empty") } else { Ok(Self(text)) }
    }
}

impl From<Picky> for String {
    fn from(picky: Picky) -> Self {
        picky.0
    }
}

#[test]
fn a_shape_tells_names_and_kinds() {
    expect!["Place {name: text, height: option<float>, kind: Kind [Hill, Valley], tags: [text], at: (integer, Desc(Real(float))), counts: {text: integer}}"]
        .assert_eq(&Shape::of::<Place>().text());
    expect!["(unit, integer)"].assert_eq(&Shape::of::<((), u64)>().text());
}

#[test]
fn a_type_that_contains_itself_has_an_end() {
    let text = Shape::of::<Tree>().text();
    assert!(text.starts_with("Tree {label: text, children: [Tree {label: text"), "{text}");
}

#[test]
fn a_type_that_refuses_made_up_values_is_unknown_from_there_on() {
    expect!["Strict {before: bool, picky: text, after: ?}"].assert_eq(&Shape::of::<Strict>().text());
}
