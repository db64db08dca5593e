//! Columns and their values agree in number and order.

use std::collections::BTreeMap;

use expect_test::expect;
use serde::{Deserialize, Serialize};

use super::{ColumnKind, Datum, Layout};
use crate::shape::Shape;
use crate::{Desc, Real};

#[derive(Serialize, Deserialize)]
struct Meter {
    id: u64,
    place: Option<String>,
    reading: Desc<Real>,
    tags: Vec<u8>,
    at: (i32, Option<(i32, i32)>),
    kind: Kind,
}

#[derive(Serialize, Deserialize)]
enum Kind {
    Plain,
}

#[test]
fn columns_follow_the_fields() {
    let layout = Layout::new(Shape::of::<(Meter, Meter)>());
    let mut columns = Vec::new();
    layout.columns("", &mut columns);
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    expect!["f0_id f0_place f0_reading f0_tags f0_at_f0 f0_at_f1 f0_kind f1_id f1_place f1_reading f1_tags f1_at_f0 f1_at_f1 f1_kind"]
        .assert_eq(&names.join(" "));
    assert_eq!(columns[2].kind, ColumnKind::Real);
    assert_eq!(columns[3].kind, ColumnKind::Json);
}

#[test]
fn there_is_one_value_for_each_column() {
    let at = (7, Some((1, 2)));
    let meter = Meter { id: u64::MAX, place: None, reading: Desc(Real(0.5)), tags: vec![1, 2], at, kind: Kind::Plain };
    let layout = Layout::new(Shape::of::<Meter>());
    let mut data = Vec::new();
    layout.values(&meter, &mut data).unwrap();
    let text = |text: &str| Datum::Text(text.to_owned());
    let large = Datum::Large(u64::MAX.to_string());
    let plain = [large, Datum::Null, Datum::Real(0.5), text("[1,2]"), Datum::Integer(7), text("[1,2]")];
    assert_eq!(data, [&plain[..], &[text("\"Plain\"")]].concat());
}

/// Every step with such a row failed in the stores with columns.
#[test]
fn maps_with_any_keys_have_text() {
    #[derive(Serialize, Deserialize)]
    enum Part {
        Named { by: BTreeMap<(u8, bool), String> },
        Both(BTreeMap<Option<u8>, ()>, i64),
        One(BTreeMap<i128, f64>),
    }
    let text = |value: &BTreeMap<(u8, bool), Vec<Part>>| {
        let mut data = Vec::new();
        Layout::new(Shape::of::<BTreeMap<(u8, bool), Vec<Part>>>()).values(value, &mut data).unwrap();
        let [Datum::Text(text)] = data.as_slice() else { panic!("{data:?}") };
        text.clone()
    };
    let named = Part::Named { by: BTreeMap::from([((1, true), "a \"b\"".to_owned())]) };
    let both = Part::Both(BTreeMap::from([(None, ()), (Some(3), ())]), -4);
    let one = Part::One(BTreeMap::from([(i128::MAX, 0.5)]));
    let text = text(&BTreeMap::from([((7, false), vec![named, both, one]), ((8, true), vec![])]));
    expect![[r#"[[[7,false],[{"Named":{"by":[[[1,true],"a \"b\""]]}},{"Both":[[[null,null],[3,null]],-4]},{"One":{"170141183460469231731687303715884105727":0.5}}]],[[8,true],[]]]"#]]
        .assert_eq(&text);
    serde_json::from_str::<serde_json::Value>(&text).unwrap();
}

#[test]
fn names_that_differ_in_case_only_are_told_apart() {
    #[derive(Serialize, Deserialize)]
    struct Twice {
        a: bool,
        #[serde(rename = "A")]
        b: bool,
        _key: bool,
    }
    let mut columns = Vec::new();
    Layout::new(Shape::of::<Twice>()).columns("", &mut columns);
    let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["a", "A_2", "key"]);
}
