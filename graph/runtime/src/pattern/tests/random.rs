//! Random graphs and patterns, as text.

/// What a selector keeps of the paths between two nodes.
#[derive(Debug, Clone, Copy)]
pub enum Kept {
    /// This many of the shortest.
    Paths(usize),
    /// All that have one of this many of the smallest lengths.
    Lengths(usize),
}

/// Selectors with the place where the mode stands.
pub const SELECTORS: &[(&str, Kept)] = &[
    ("ANY MODE", Kept::Paths(1)),
    ("ANY SHORTEST MODE", Kept::Paths(1)),
    ("ALL SHORTEST MODE", Kept::Lengths(1)),
    ("SHORTEST 2 MODE", Kept::Paths(2)),
    ("SHORTEST 2 MODE GROUPS", Kept::Lengths(2)),
];

/// Chance from a seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }

    /// A statement that makes a graph of up to four nodes.
    pub fn graph(&mut self) -> String {
        let count = 1 + self.below(4);
        let mut parts: Vec<String> = Vec::new();
        for node in 0..count {
            let labels = self.pick(&["", ":A", ":B", ":A:B"]);
            let properties = self.pick(&["", " {x: 0}", " {x: 1}"]);
            parts.push(format!("(n{node}{labels}{properties})"));
        }
        for _ in 0..self.below(6) {
            let (start, end) = (self.below(count), self.below(count));
            let kind = self.pick(&["R", "S"]);
            let properties = self.pick(&["", " {x: 0}", " {x: 1}"]);
            parts.push(format!("(n{start})-[:{kind}{properties}]->(n{end})"));
        }
        format!("CREATE {}", parts.join(", "))
    }

    /// A `MATCH` of one or two paths.
    pub fn matching(&mut self) -> String {
        let mut edges = 0;
        let paths = (0..1 + self.below(2)).map(|place| self.path(place, &mut edges)).collect::<Vec<_>>();
        let filter = self.pick(&["", "", "", " WHERE a.x = 0", " WHERE a.x < 1 OR a:B", " WHERE a.x IS NULL AND a:A"]);
        let filter = if paths.iter().any(|path| path.contains("(a")) { filter } else { "" };
        format!("MATCH {}{filter} RETURN 1 AS one", paths.join(", "))
    }

    fn path(&mut self, place: usize, edges: &mut usize) -> String {
        let variable = self.pick(&["", "", "p"]);
        let variable = if variable.is_empty() { String::new() } else { format!("{variable}{place} = ") };
        let mode = self.pick(&["", "", "", "TRAIL ", "ACYCLIC ", "SIMPLE ", "WALK "]);
        let mut path = format!("{variable}{mode}{}", self.node());
        for _ in 0..self.below(3) {
            if self.below(8) == 0 {
                let name = *edges;
                *edges += 1;
                let quantifier = self.pick(&["{1,2}", "{0,1}", "{2}"]);
                let filter = self.pick(&["", " WHERE x.x = 0"]).replace("x.x", &format!("x{name}.x"));
                let (left, right) = self.arrow();
                let inner = format!("((x{name}){left}[q{name}]{right}(y{name}){filter}){quantifier} ");
                path = format!("{path} {inner}{}", self.node());
            } else {
                let edge = self.edge(edges);
                path = format!("{path}{edge}{}", self.node());
            }
        }
        path
    }

    fn node(&mut self) -> String {
        let name = self.pick(&["", "a", "b", "c"]);
        let labels = self.pick(&["", "", ":A", ":B", ":A|B", ":!A"]);
        let properties = self.pick(&["", "", "", " {x: 0}", " {x: 1}"]);
        format!("({name}{labels}{properties})")
    }

    fn arrow(&mut self) -> (&'static str, &'static str) {
        [("-", "->"), ("<-", "-"), ("-", "-")][self.below(3)]
    }

    fn edge(&mut self, edges: &mut usize) -> String {
        let name = match self.below(2) {
            0 => String::new(),
            _ => {
                *edges += 1;
                format!("r{}", *edges - 1)
            }
        };
        let kinds = self.pick(&["", "", ":R", ":S", ":R|S"]);
        let length = self.pick(&["", "", "", "*0..2", "*1..3", "*2", "*0..1"]);
        let properties = self.pick(&["", "", "", " {x: 0}"]);
        let (left, right) = self.arrow();
        format!("{left}[{name}{kinds}{length}{properties}]{right}")
    }

    /// The mode of a path.
    pub fn mode(&mut self) -> &'static str {
        self.pick(&["", "", "TRAIL", "ACYCLIC", "SIMPLE"])
    }

    /// A path from `a` to `b` over one run, sometimes over an edge more.
    pub fn run_path(&mut self) -> String {
        let start = self.pick(&["(a)", "(a:A)", "(a {x: 0})"]);
        let end = self.pick(&["(b)", "(b:B)", "(b {x: 1})"]);
        let kinds = self.pick(&["", "", ":R"]);
        let length = self.pick(&["*", "*0..", "*1..3", "*0..2", "*2.."]);
        let (left, right) = self.arrow();
        let more = self.pick(&["", "", "", "-[s:S]-(m)", "-->()"]);
        format!("{start}{more}{left}[r{kinds}{length}]{right}{end}")
    }
}
