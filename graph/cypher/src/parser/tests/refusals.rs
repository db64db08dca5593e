//! Tests of how the messages on broken statements read.

use super::*;

#[test]
fn messages_name_what_was_expected() {
    check_errors(
        "MATCH (a RETURN a",
        expect![[r#"
            error: expected `:`, `IS`, `{`, `WHERE` or `)`, found `RETURN`
             --> 1:10
              |
            1 | MATCH (a RETURN a
              |          ^^^^^^
        "#]],
    );
    check_errors(
        "MATCH (a) RETURN",
        expect![[r#"
            error: expected an expression, `DISTINCT` or `*`, found the end of the input
             --> 1:17
              |
            1 | MATCH (a) RETURN
              |                 ^
        "#]],
    );
    check_errors(
        "MATCH (a)\n\n -- comment\n",
        expect![[r#"
        error: expected `>` or `(`, found `comment`
         --> 3:5
          |
        3 |  -- comment
          |     ^^^^^^^
    "#]],
    );
    check_errors(
        "MATCH (a) WHERE a.x 5 RETURN a",
        expect![[r#"
            error: expected an operator, `RETURN`, `MATCH`, `OPTIONAL`, `WITH`, `UNWIND`, `CREATE` or `MERGE`, found `5`
             --> 1:21
              |
            1 | MATCH (a) WHERE a.x 5 RETURN a
              |                     ^
        "#]],
    );
    check_errors(
        "MTCH (a) RETURN a",
        expect![[r#"
            error: expected `EXPLAIN`, `PROFILE`, `DROP`, `SHOW`, `DESCRIBE`, `RETURN`, `MATCH` or `OPTIONAL`, found `MTCH`
             --> 1:1
              |
            1 | MTCH (a) RETURN a
              | ^^^^
              = help: did you mean `MATCH`?
        "#]],
    );
    check_errors(
        "MATCH (a) RETRUN a",
        expect![[r#"
            error: expected a relationship, `,`, `WHERE`, `RETURN`, `MATCH`, `OPTIONAL`, `WITH` or `UNWIND`, found `RETRUN`
             --> 1:11
              |
            1 | MATCH (a) RETRUN a
              |           ^^^^^^
              = help: did you mean `RETURN`?
        "#]],
    );
    check_errors(
        "MATCH (a) RETURN a AS end",
        expect![[r#"
        error: expected a name, found `end`
         --> 1:23
          |
        1 | MATCH (a) RETURN a AS end
          |                       ^^^
          = help: `end` is reserved; as a name it needs backquotes
    "#]],
    );
    check_errors(
        "MATCH (a) RETURN a.x b",
        expect![[r#"
            error: expected an operator, the end of the statement, `AS`, `,`, `ORDER`, `SKIP`, `LIMIT` or `UNION`, found `b`
             --> 1:22
              |
            1 | MATCH (a) RETURN a.x b
              |                      ^
        "#]],
    );
    check_errors(
        "MATCH (a) RETURN f(1,",
        expect![[r#"
        error: expected an expression, found the end of the input
         --> 1:22
          |
        1 | MATCH (a) RETURN f(1,
          |                      ^
    "#]],
    );
    check_errors(
        "MATCH (a)-[r>(b) RETURN a",
        expect![[r#"
            error: expected `:`, `IS`, `*`, `{`, `WHERE` or `]`, found `>`
             --> 1:13
              |
            1 | MATCH (a)-[r>(b) RETURN a
              |             ^
        "#]],
    );
    check_errors(
        "MATCH (a) WHERE a.x != 5 RETURN a",
        expect![[r#"
        error: `!=` is no operator
         --> 1:21
          |
        1 | MATCH (a) WHERE a.x != 5 RETURN a
          |                     ^^
          = help: write `<>`
    "#]],
    );
    check_errors(
        "MATCH (a) RETURN a LIMIT 1 SKIP 2",
        expect![[r#"
            error: expected an operator or the end of the statement, found `SKIP`
             --> 1:28
              |
            1 | MATCH (a) RETURN a LIMIT 1 SKIP 2
              |                            ^^^^
              = help: SKIP comes before LIMIT
        "#]],
    );
    check_errors(
        "MATCH (a) RETURN 1 = NOT a",
        expect![[r#"
        error: expected an operand, found `NOT`
         --> 1:22
          |
        1 | MATCH (a) RETURN 1 = NOT a
          |                      ^^^
          = help: put `NOT …` in brackets
    "#]],
    );
    check_errors(
        "MATCH (a) RETURN 1 = a IS NULL + 1",
        expect![[r#"
        error: `+` may not follow a predicate
         --> 1:32
          |
        1 | MATCH (a) RETURN 1 = a IS NULL + 1
          |                                ^
          = help: put the predicate in brackets
    "#]],
    );
    check_errors(
        "MATCH (a) RETURN 2 * a IS NULL + 1",
        expect![[r#"
        error: `+` may not follow a predicate
         --> 1:32
          |
        1 | MATCH (a) RETURN 2 * a IS NULL + 1
          |                                ^
          = help: put the predicate in brackets
    "#]],
    );
    check_errors(
        "MATCH (a) RETURN a IN b IS NULL ^ c",
        expect![[r#"
        error: `^` may not follow a predicate
         --> 1:33
          |
        1 | MATCH (a) RETURN a IN b IS NULL ^ c
          |                                 ^
          = help: put the predicate in brackets
    "#]],
    );
    check_errors(
        "HELLO",
        expect![[r#"
            error: expected `EXPLAIN`, `PROFILE`, `DROP`, `SHOW`, `DESCRIBE`, `RETURN`, `MATCH` or `OPTIONAL`, found `HELLO`
             --> 1:1
              |
            1 | HELLO
              | ^^^^^
        "#]],
    );
    check_errors(
        "EXPLAIN DROP NODE LABEL a",
        expect![[r#"
            error: expected `RETURN`, `MATCH`, `OPTIONAL`, `WITH`, `UNWIND`, `CREATE`, `MERGE` or `SET`, found `DROP`
             --> 1:9
              |
            1 | EXPLAIN DROP NODE LABEL a
              |         ^^^^
        "#]],
    );
}

#[test]
fn messages_on_declarations() {
    check_errors(
        "CREATE NODE Flight",
        expect![[r#"
        error: expected `LABEL`, found `Flight`
         --> 1:13
          |
        1 | CREATE NODE Flight
          |             ^^^^^^
    "#]],
    );
    check_errors(
        "CREATE TABLE t",
        expect![[r#"
        error: expected `NODE` or `EDGE`, found `TABLE`
         --> 1:8
          |
        1 | CREATE TABLE t
          |        ^^^^^
    "#]],
    );
    check_errors(
        "CREATE NODE LABEL F FROM PARTITION 'x'",
        expect![[r#"
        error: expected `FILE` or `TABLE`, found `PARTITION`
         --> 1:26
          |
        1 | CREATE NODE LABEL F FROM PARTITION 'x'
          |                          ^^^^^^^^^
          = help: write `VIRTUAL FROM PARTITION`: partitions are read in place
    "#]],
    );
    check_errors(
        "CREATE NODE LABEL F VIRTUAL FROM FILE 'x'",
        expect![[r#"
        error: expected `PARTITION`, found `FILE`
         --> 1:34
          |
        1 | CREATE NODE LABEL F VIRTUAL FROM FILE 'x'
          |                                  ^^^^
    "#]],
    );
    check_errors(
        "CREATE NODE LABEL F FROM FILE x",
        expect![[r#"
        error: expected a text in quotes, found `x`
         --> 1:31
          |
        1 | CREATE NODE LABEL F FROM FILE x
          |                               ^
    "#]],
    );
    check_errors(
        "CREATE NODE LABEL F FROM TABLE 't' AS OF TICK 'x'",
        expect![[r#"
        error: expected an integer or `-`, found `'x'`
         --> 1:47
          |
        1 | CREATE NODE LABEL F FROM TABLE 't' AS OF TICK 'x'
          |                                               ^^^
    "#]],
    );
    check_errors(
        "CREATE EDGE TYPE E FROM A SOURCE KEY b REFERENCES C(d)",
        expect![[r#"
        error: expected `TARGET`, found `SOURCE`
         --> 1:27
          |
        1 | CREATE EDGE TYPE E FROM A SOURCE KEY b REFERENCES C(d)
          |                           ^^^^^^
    "#]],
    );
    check_errors(
        "CREATE EDGE TYPE E FROM A TARGET KEY b REFERENCES C",
        expect![[r#"
        error: expected `(`, found the end of the input
         --> 1:52
          |
        1 | CREATE EDGE TYPE E FROM A TARGET KEY b REFERENCES C
          |                                                    ^
    "#]],
    );
    check_errors(
        "CREATE NODE LABEL F FROM FILE 'x' KEY (a, b)",
        expect![[r#"
        error: not supported: keys of several columns
         --> 1:41
          |
        1 | CREATE NODE LABEL F FROM FILE 'x' KEY (a, b)
          |                                         ^
    "#]],
    );
}

#[test]
fn each_broken_statement_is_reported() {
    check_errors(
        "MATCH (a RETURN a;\nSHOW NODE LABELS;\nMATCH (b) RETURN 'x;y' +;\nDROP LABEL x",
        expect![[r#"
            error: expected `:`, `IS`, `{`, `WHERE` or `)`, found `RETURN`
             --> 1:10
              |
            1 | MATCH (a RETURN a;
              |          ^^^^^^
            error: expected an expression, found `;`
             --> 3:25
              |
            3 | MATCH (b) RETURN 'x;y' +;
              |                         ^
            error: expected `NODE` or `EDGE`, found `LABEL`
             --> 4:6
              |
            4 | DROP LABEL x
              |      ^^^^^
        "#]],
    );
}

#[test]
fn broken_tokens_are_reported_where_they_stand() {
    check_errors(
        "MATCH (a) WHERE a.x = 'abc RETURN a; SHOW NODE LABELS",
        expect![[r#"
        error: text without end
         --> 1:23
          |
        1 | MATCH (a) WHERE a.x = 'abc RETURN a; SHOW NODE LABELS
          |                       ^
          = help: close it with `'`
    "#]],
    );
    check_errors(
        r"MATCH (a) WHERE a.x = 'a\qc;' RETURN a; DROP",
        expect![[r#"
            error: unknown escape `\q`
             --> 1:25
              |
            1 | MATCH (a) WHERE a.x = 'a\qc;' RETURN a; DROP
              |                         ^^
              = help: known are \\ \' \" \n \t \r \b \f \uXXXX \UXXXXXX
            error: expected `NODE` or `EDGE`, found the end of the input
             --> 1:45
              |
            1 | MATCH (a) WHERE a.x = 'a\qc;' RETURN a; DROP
              |                                             ^
        "#]],
    );
    check_errors(
        "MATCH (a) RETURN 99999999999999999999",
        expect![[r#"
        error: integer `99999999999999999999` is out of range
         --> 1:18
          |
        1 | MATCH (a) RETURN 99999999999999999999
          |                  ^^^^^^^^^^^^^^^^^^^^
          = help: integers go from -9223372036854775808 to 9223372036854775807
    "#]],
    );
    check_errors(
        "MATCH (a) /* RETURN a",
        expect![[r#"
        error: comment without end
         --> 1:11
          |
        1 | MATCH (a) /* RETURN a
          |           ^^
          = help: close it with `*/`
    "#]],
    );
    check_errors(
        "MATCH (a) RETURN a @ b",
        expect![[r#"
        error: unexpected character `@`
         --> 1:20
          |
        1 | MATCH (a) RETURN a @ b
          |                    ^
    "#]],
    );
}
