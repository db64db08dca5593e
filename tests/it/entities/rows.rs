//! The rows that batches become: only what changed, and as any other rows of a world.

use worldstore::core::table::Scan;
use worldstore::ecs::{AsyncEntities, Component, Updates, WorldTables};
use worldstore::{Run, World};

use crate::bed::{Bed, on_each_format};

on_each_format!(only_what_changed_is_written, a_shared_value_has_one_row, the_rows_are_those_of_an_archetype);

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "Place", crate = worldstore::ecs)]
struct Place {
    x: f64,
    y: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(crate = worldstore::ecs)]
struct Health(u32);

#[derive(Debug, Clone, Copy, PartialEq, Component)]
#[component(name = "asleep", crate = worldstore::ecs)]
struct Asleep;

#[derive(Debug, Clone, PartialEq, Component)]
#[component(name = "kind", crate = worldstore::ecs)]
struct Kind {
    name: String,
}

async fn rows_of(run: &Run, table: &str, tick: i64) -> u64 {
    let counts = run.now().ticks(table).await.unwrap();
    counts.iter().filter(|count| count.tick == tick).map(|count| count.rows).sum()
}

async fn opened(bed: &Bed) -> (World, AsyncEntities<WorldTables>) {
    let world = bed.create().await;
    let run = world.run("main").await.unwrap();
    (world, AsyncEntities::new(WorldTables::open(&run).await.unwrap()))
}

fn table(entities: &AsyncEntities<WorldTables>, components: &[&str]) -> String {
    entities.storage().table_of(components).unwrap().to_string()
}

async fn only_what_changed_is_written(bed: &Bed) {
    let (_world, mut entities) = opened(bed).await;
    let many = entities.spawn_many((0..100).map(|x| (Place { x: x.into(), y: 0.0 }, Health(1)))).await.unwrap();
    let awake = table(&entities, &["Place", "Health"]);
    let run = entities.storage().run().clone();
    assert_eq!(rows_of(&run, &awake, 1).await, 100);
    // One changes, one is given what it has, one goes to another table, one ends.
    let mut updates = Updates::new();
    updates.update(many[0], Health(2)).unwrap().update(many[1], Health(1)).unwrap();
    updates.insert(many[2], Asleep).unwrap().destroy(many[3]);
    entities.apply_updates(&updates).await.unwrap();
    let asleep = table(&entities, &["asleep", "Place", "Health"]);
    assert_eq!((rows_of(&run, &awake, 2).await, rows_of(&run, &asleep, 2).await), (3, 1));
    assert_eq!((run.now().state(&awake).await.unwrap().rows, run.now().state(&asleep).await.unwrap().rows), (98, 1));
    assert_eq!(rows_of(&run, "ecs_free", 2).await, 1);
    // Nothing changes: that there was a tick is all that is written.
    entities.apply_updates(&Updates::new()).await.unwrap();
    let mut all = Vec::new();
    for name in run.world().tables().await.unwrap() {
        all.push((name.to_string(), rows_of(&run, name.as_str(), 3).await));
    }
    all.retain(|(_, rows)| *rows > 0);
    assert_eq!(all, [("ecs_ticks".to_owned(), 1)]);
    // An entity is found where it is, and was.
    let found = |tick| {
        let (run, entity) = (run.clone(), many[2].to_bits());
        async move {
            run.as_of(tick).entity(entity).await.unwrap().iter().map(|row| row.table.to_string()).collect::<Vec<_>>()
        }
    };
    assert_eq!((found(1).await, found(2).await), (vec![awake], vec![asleep]));
}

async fn a_shared_value_has_one_row(bed: &Bed) {
    let (_world, mut entities) = opened(bed).await;
    let run = entities.storage().run().clone();
    let many = entities.spawn_many((0..50).map(|x| Place { x: x.into(), y: 0.0 })).await.unwrap();
    entities.set_shared(&many, Kind { name: "grazer".to_owned() }).await.unwrap();
    let values = |run: &Run| {
        let view = run.now();
        async move { view.state("shared_kind").await.unwrap().rows }
    };
    assert_eq!(values(&run).await, 1);
    assert_eq!(run.now().count("shared_kind").await.unwrap(), 1);
    entities.set_shared(&many[..20], Kind { name: "glutton".to_owned() }).await.unwrap();
    assert_eq!(values(&run).await, 2);
    let mut entities = AsyncEntities::new(WorldTables::open(&run).await.unwrap());
    for entity in &many[..20] {
        entities.remove::<Kind>(*entity).await.unwrap();
    }
    assert_eq!(values(&run).await, 1, "it goes with the last that has it");
    let kind = entities.get::<Kind>(many[30]).await.unwrap();
    assert_eq!(kind, Some(Kind { name: "grazer".to_owned() }));
}

/// Rows that this storage wrote, read as those of typed archetypes, with SQL, and with Cypher.
async fn the_rows_are_those_of_an_archetype(bed: &Bed) {
    use serde::{Deserialize, Serialize};
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Place {
        x: f64,
        y: f64,
    }
    impl worldstore::archetype::Component for Place {
        const NAME: &'static str = "Place";
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Asleep;
    impl worldstore::archetype::Component for Asleep {
        const NAME: &'static str = "asleep";
    }

    let (_world, mut entities) = opened(bed).await;
    let one = entities.spawn((self::Place { x: 1.0, y: 2.0 }, self::Asleep)).await.unwrap();
    entities.set(one, self::Place { x: 3.0, y: 2.0 }).await.unwrap();
    let run = entities.storage().run().clone();
    let codec = worldstore::archetype::Codec::<(Place, Asleep)>::new().unwrap();
    let name = table(&entities, &["Place", "asleep"]);
    assert_eq!(codec.archetype().table().as_str(), name);
    let state = run.as_of(1).collect(&name, &Scan::all()).await.unwrap();
    let rows = state.iter().flat_map(|batch| codec.decode_live(batch).unwrap()).collect::<Vec<_>>();
    assert_eq!(rows, [(one.to_bits(), (Place { x: 1.0, y: 2.0 }, Asleep))]);
    #[cfg(feature = "sql")]
    {
        let text = format!("SELECT max(place__x) AS x FROM {name} WHERE asleep__present");
        let batches = run.now().sql(&text).await.unwrap().collect().await.unwrap();
        let shown = worldstore::arrow::util::pretty::pretty_format_batches(&batches).unwrap().to_string();
        assert!(shown.contains("3.0"), "{shown}");
    }
    #[cfg(feature = "graph")]
    {
        let text = format!("MATCH (a:{name}) WHERE a.place__x > 2 RETURN count(*) AS n");
        let rows = run.now().graph().query(&text, &worldstore::graph::Parameters::default()).await.unwrap();
        let shown = worldstore::arrow::util::pretty::pretty_format_batches(&rows.batches).unwrap().to_string();
        assert!(shown.contains("| 1 |"), "{shown}");
    }
}
