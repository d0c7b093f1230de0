-- The history of usage. Open it with `sqlite3 -readonly FILE` and select from
-- the view "usage"; writing is left to auspex.

-- One row per timeseries.Key.
CREATE TABLE series (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never used twice
    workload TEXT NOT NULL,
    app      TEXT NOT NULL,
    class    TEXT NOT NULL,
    queue    TEXT NOT NULL,
    node     TEXT NOT NULL,
    source   TEXT NOT NULL,
    columns  INTEGER NOT NULL, -- which columns of sample its samples use: bit 0 is cpu
    UNIQUE (workload, app, class, queue, node, source)
);

-- One row per sample, kept in the order training reads. NULL is "not measured".
CREATE TABLE sample (
    series           INTEGER NOT NULL, -- series.id
    time             INTEGER NOT NULL, -- end of the measured interval, milliseconds since 1970 UTC
    cpu              REAL,             -- used, mean over the interval: cores
    memory           REAL,             -- bytes
    gpu              REAL,             -- devices
    gpu_memory       REAL,             -- bytes
    disk             REAL,             -- bytes
    disk_io          REAL,             -- bytes per second
    network          REAL,             -- bytes per second
    limit_cpu        REAL,             -- allowed at that time, in the same units
    limit_memory     REAL,
    limit_gpu        REAL,
    limit_gpu_memory REAL,
    limit_disk       REAL,
    limit_disk_io    REAL,
    limit_network    REAL,
    custom           TEXT,             -- other resources: {"usage":{NAME:AMOUNT},"limit":{NAME:AMOUNT}}
    PRIMARY KEY (series, time)
) WITHOUT ROWID;

CREATE VIEW usage AS
SELECT workload, app, class, queue, node, source,
    strftime('%Y-%m-%dT%H:%M:%S', time / 1000, 'unixepoch') || printf('.%03dZ', time % 1000) AS time,
    cpu        AS cpu_cores,
    memory     AS memory_bytes,
    gpu        AS gpu_devices,
    gpu_memory AS gpu_memory_bytes,
    disk       AS disk_bytes,
    disk_io    AS disk_io_bytes_per_second,
    network    AS network_bytes_per_second,
    limit_cpu        AS limit_cpu_cores,
    limit_memory     AS limit_memory_bytes,
    limit_gpu        AS limit_gpu_devices,
    limit_gpu_memory AS limit_gpu_memory_bytes,
    limit_disk       AS limit_disk_bytes,
    limit_disk_io    AS limit_disk_io_bytes_per_second,
    limit_network    AS limit_network_bytes_per_second,
    custom
FROM series JOIN sample ON sample.series = series.id;
