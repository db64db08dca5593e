//! What comes back is what was there, and nothing is written twice.

#![allow(clippy::unwrap_used)]

use worldstore::core::ErrorKind;
use worldstore::ecs::{Query as Found, Tick};

use super::*;
use crate::bridge::Stored;

fn run() -> Run {
    World::create("memory:", &WorldOptions::default()).unwrap().run("main").unwrap()
}

fn loaded(run: &Run, tick: i64) -> (BevyWorld, Bridge<WorldTables>) {
    let (mut world, mut bridge) = (BevyWorld::new(), kept());
    bridge.load(&mut world, &Entities::new(WorldTables::at(&run.as_of(tick)).unwrap())).unwrap();
    (world, bridge)
}

#[test]
fn the_example_runs() {
    main().unwrap();
}

#[test]
fn every_step_comes_back_as_it_was() {
    let run = run();
    let mut world = BevyWorld::new();
    world.insert_resource(Dice(3));
    world.spawn(Wall { name: "floor".to_owned() });
    let (mut bridge, mut entities) = (kept(), Entities::new(WorldTables::open(&run).unwrap()));
    let mut seen = Vec::new();
    for _ in 0..STEPS {
        go_on(&mut world, &mut bridge, &mut entities, 1).unwrap();
        seen.push((balls(&mut world), *world.resource::<Dice>()));
    }
    assert!(seen.iter().any(|(balls, _)| balls.iter().any(|ball| ball.3)), "some bounced");
    assert!(seen.last().unwrap().0.len() < 3 * STEPS as usize, "some burst");
    for (tick, (then, dice)) in (1..).zip(&seen) {
        let (mut world, _) = loaded(&run, tick);
        assert_eq!((&balls(&mut world), world.resource::<Dice>()), (then, dice), "tick {tick}");
        assert_eq!(world.query::<&Wall>().iter(&world).count(), 1);
    }
    assert_eq!(entities.found(&Found::new(["life"])).unwrap().len(), seen.last().unwrap().0.len());
}

#[test]
fn a_fork_with_the_same_dice_becomes_the_same() {
    let run = run();
    let mut played = play(&run).unwrap();
    let (mut world, mut bridge) = loaded(&run, STEPS / 2);
    let fork = run.fork("again", STEPS / 2).unwrap();
    let mut entities = Entities::new(WorldTables::open(&fork).unwrap());
    go_on(&mut world, &mut bridge, &mut entities, STEPS / 2).unwrap();
    assert_eq!(balls(&mut world), balls(&mut played));
    let (mut again, _) = loaded(&fork, STEPS);
    assert_eq!(balls(&mut again), balls(&mut played));
}

#[test]
fn a_save_writes_what_changed() {
    let run = run();
    let (mut world, mut bridge) = (BevyWorld::new(), kept());
    let mut entities = Entities::new(WorldTables::open(&run).unwrap());
    world.insert_resource(Dice(1));
    let made: Vec<BevyEntity> =
        world.spawn_batch((0..10).map(|number| (Position { x: number as f32, y: 0.0 }, Life(9)))).collect();
    let since = bridge.save(&mut world, &mut entities).unwrap();
    assert_eq!(bridge.save(&mut world, &mut entities).unwrap(), Tick(since.0 + 1));
    assert!(entities.changes(since).unwrap().is_empty(), "nothing changed");

    let since = entities.tick().unwrap();
    world.get_mut::<Life>(made[0]).unwrap().0 = 1;
    world.entity_mut(made[1]).remove::<Life>();
    world.entity_mut(made[2]).remove::<Life>().insert(Life(4));
    world.despawn(made[3]);
    let bare = world.spawn_empty().id();
    let fresh = world.spawn(Life(5)).id();
    let brief = world.spawn(Life(6)).id();
    world.despawn(brief);
    world.remove_resource::<Dice>();
    bridge.save(&mut world, &mut entities).unwrap();
    let changes = entities.changes(since).unwrap();
    assert_eq!((changes.created.len(), changes.destroyed.len(), changes.written.len()), (1, 1, 3));
    let removed: Vec<&str> = changes.removed.iter().map(|(_, name)| &**name).collect();
    assert_eq!(removed, ["dice", "life"]);
    let stored = world.get::<Stored>(fresh).unwrap().0;
    assert_eq!(entities.get::<Life>(stored).unwrap(), Some(Life(5)));
    assert_eq!(world.get::<Stored>(bare), None, "it has nothing that is kept");

    // A storage that refuses keeps nothing, and nothing is forgotten.
    world.get_mut::<Life>(fresh).unwrap().0 = 50;
    let mut other = Entities::new(WorldTables::open(&run).unwrap());
    assert_eq!(bridge.save(&mut world, &mut entities).unwrap_err().kind(), ErrorKind::Fenced);
    bridge.save(&mut world, &mut other).unwrap();
    assert_eq!(other.get::<Life>(stored).unwrap(), Some(Life(50)));
    assert_eq!(bridge.load(&mut world, &other).unwrap_err().kind(), ErrorKind::Invalid);
}
