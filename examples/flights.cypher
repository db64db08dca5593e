// Flights out of New York in 2013, in place. Run it from the root of the repository:
// worldstore query --mount nyc=data/flights --file examples/flights.cypher --io-stats

CREATE NODE LABEL Flight VIRTUAL FROM PARTITION 'lake://nyc/flights/month={month}/day={day}'
    COMPUTE speed = distance / (air_time / 60.0);
CREATE NODE LABEL Airport FROM FILE 'lake://nyc/airports.parquet' KEY faa;
CREATE NODE LABEL Airline FROM FILE 'lake://nyc/airlines.parquet' KEY carrier;
CREATE EDGE TYPE ORIGIN FROM Flight TARGET KEY origin REFERENCES Airport(faa);
CREATE EDGE TYPE DEST FROM Flight TARGET KEY dest REFERENCES Airport(faa);
CREATE EDGE TYPE BY FROM Flight TARGET KEY carrier REFERENCES Airline(carrier);

// The busiest routes.
MATCH (from:Airport)<-[:ORIGIN]-(f:Flight)-[:DEST]->(to:Airport)
RETURN from.name AS departure, to.name AS destination, count(*) AS flights
ORDER BY flights DESC LIMIT 5;

// Who flies fastest over the Pacific, in miles per hour?
MATCH (f:Flight)-[:BY]->(l:Airline), (f)-[:DEST]->(a:Airport {faa: 'HNL'})
RETURN l.name AS airline, count(f.air_time) AS flights, round(avg(f.speed)) AS mph ORDER BY mph DESC;
