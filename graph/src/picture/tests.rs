//! Pictures of values and plans.

use expect_test::expect;

use super::{Arrow, Picture, PictureFormat, Shape};

fn picture() -> Picture {
    let round = |lines: &[&str]| Shape { lines: lines.iter().map(|line| (*line).to_owned()).collect(), is_round: true };
    Picture {
        boxes: vec![round(&[":City", "name: 'a \"b\" \\ c'"]), round(&[])],
        arrows: vec![Arrow { from: 0, to: 1, label: "ROAD, note: \"]-->\"".to_owned() }],
    }
}

#[test]
fn texts_cannot_break_out_of_their_box() {
    expect![[r#"
        digraph {
          node [fontname="sans-serif"];
          edge [fontname="sans-serif"];
          n0 [shape=ellipse, label=":City\nname: 'a \"b\" \\ c'"];
          n1 [shape=ellipse, label=" "];
          n0 -> n1 [label="ROAD, note: \"]-->\""];
        }
    "#]]
    .assert_eq(&picture().print(PictureFormat::Dot));
    expect![[r##"
        flowchart LR
          n0([":City<br/>name: 'a #34;b#34; #92; c'"])
          n1([" "])
          n0 -- "ROAD, note: #34;#93;--#62;#34;" --> n1
    "##]]
    .assert_eq(&picture().print(PictureFormat::Mermaid));
}

#[test]
fn steps_of_a_plan_feed_those_above() {
    let plan = "logical plan\nX\n\nphysical plan\nHashJoinExec: mode=P\n  ScanExec: a\n  FilterExec: c\n    ScanExec: b\n\npartitions 1 of 1";
    let picture = Picture::of_plan(plan);
    let arrows: Vec<_> = picture.arrows.iter().map(|arrow| (arrow.from, arrow.to)).collect();
    assert_eq!((picture.boxes(), arrows), (4, vec![(1, 0), (2, 0), (3, 2)]));
}

#[test]
fn images_say_what_makes_them() {
    let refused = "svg".parse::<PictureFormat>().unwrap_err();
    assert!(refused.to_string().contains("dot -Tsvg"), "{refused}");
    assert!("png".parse::<PictureFormat>().is_err());
}
