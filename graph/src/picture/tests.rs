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
fn formats_have_names() {
    assert_eq!("svg".parse::<PictureFormat>().unwrap(), PictureFormat::Svg);
    assert!("png".parse::<PictureFormat>().unwrap_err().to_string().contains("svg, dot or mermaid"));
}

/// The texts of an image, and how many boxes and arrows it has. Tags must be closed in order.
fn read(svg: &str) -> (Vec<String>, usize, usize) {
    let (mut open, mut texts) = (Vec::new(), Vec::new());
    for part in svg.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap();
        assert!(!text.contains('>'), "{part}");
        let name = tag.split([' ', '/']).find(|name| !name.is_empty()).unwrap();
        match (tag.starts_with('/'), tag.ends_with('/')) {
            (true, _) => assert_eq!(open.pop(), Some(name), "{tag}"),
            (_, true) => {}
            _ => open.push(name),
        }
        if name == "text" && !tag.starts_with('/') {
            texts.push(text.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?}");
    (texts, svg.matches("rx=").count(), svg.matches("marker-end").count())
}

#[test]
fn images_hold_all_texts_boxes_and_arrows() {
    let mut picture = picture();
    picture.boxes.push(Shape { lines: vec!["a <b> & \u{1}c ".repeat(10)], is_round: false });
    picture.arrows.extend([(1, 0), (2, 2), (0, 1)].map(|(from, to)| Arrow { from, to, label: String::new() }));
    let (texts, boxes, arrows) = read(&picture.print(PictureFormat::Svg));
    assert_eq!((boxes, arrows), (3, 4));
    assert_eq!(texts[..2], [":City", "name: 'a &quot;b&quot; \\ c'"]);
    let broken: String = texts[2..texts.len() - 1].concat();
    assert_eq!(broken, "a &lt;b&gt; &amp;  c ".repeat(10), "long lines are broken, and nothing is cut off");
    assert_eq!(texts.last().unwrap(), "ROAD, note: &quot;]--&gt;&quot;");
    let (_, none, _) = read(&Picture::default().print(PictureFormat::Svg));
    assert_eq!(none, 0);
}
