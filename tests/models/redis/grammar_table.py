"""The grammar of every command built, see `grammar.py`; times and chance apart, which are drawn
where nothing hangs on them.
"""

from typing import Final

_TTL = "[NX|XX|GT|LT|NX GT|GT LT|YY]"
_GROUP = "(x1 g1|x1 g1|key group)"
_AGGREGATE = (
    "[WEIGHTS float|WEIGHTS float float] [AGGREGATE SUM|AGGREGATE MIN|AGGREGATE MAX|AGGREGATE]"
)
_NUMKEYS = "(1 key|1 key|2 key key|2 key key|2 key set|0 key|5 key)"
_FIELD = "(type at|type at|type at|type at|type badat|badtype at)"
_CHANGE = f"SET {_FIELD} integer|INCRBY {_FIELD} integer|INCRBY {_FIELD} index"
_WITH = "[WITHDIST] [WITHCOORD] [WITHHASH] [COUNT 2|COUNT count|COUNT 2 ANY] [ASC|DESC]"
_STORE = "[STORE key|STOREDIST key]"
_FROM = "(FROMMEMBER member|FROMLONLAT east north|FROMLONLAT 15 37)"
_WHERE = f"{_FROM} (BYRADIUS far unit|BYBOX far far unit)"
_SORTED = "(list|list|set|zset|key)"
_SORT = f"{_SORTED} [BY by] [LIMIT index index] [GET got] [GET got] [ASC|DESC] [ALPHA]"

TABLE: Final[dict[str, dict[str, str]]] = {
    "any": {
        "DEL": "{key}", "UNLINK": "{key}", "EXISTS": "{key}", "TOUCH": "{key}", "TYPE": "key",
        "RENAME": "key key", "RENAMENX": "key key", "COPY": "key key [REPLACE|DB database]",
        "EXPIRE": f"key seconds {_TTL}", "PEXPIRE": f"key ms {_TTL}",
        "EXPIREAT": f"key at_seconds {_TTL}", "PEXPIREAT": f"key at_ms {_TTL}",
        "PERSIST": "key", "TTL": "key", "PTTL": "key", "EXPIRETIME": "key", "PEXPIRETIME": "key",
        "OBJECT ENCODING": "key", "OBJECT REFCOUNT": "key", "OBJECT IDLETIME": "key",
        "OBJECT FREQ": "key", "OBJECT HELP": "", "OBJECT NOPE": "key",
        "SORT": f"({_SORT}|{_SORTED} [BY by] [LIMIT index count] [GET got] [DESC] STORE key|"
        f"{_SORTED} ALPHA [DESC] [LIMIT index count] [GET got] STORE key)",
        "SORT_RO": f"{_SORT} [STORE key]",
        "KEYS": "pattern",
        "SCAN": "(0|X|99999999999999999999|00) [MATCH pattern] "
        "(COUNT 1000|COUNT 1000|COUNT 0|COUNT X) [TYPE hash|TYPE STRING]",
        "DBSIZE": "", "RANDOMKEY": "", "FLUSHALL": "[ASYNC|SYNC|NOW]", "FLUSHDB": "",
        "PING": "[text]", "ECHO": "text", "PUBLISH": "channel text", "TIME": "",
        "SELECT": "database", "SWAPDB": "(0 0|database database)", "MOVE": "key database",
    },
    "string": {
        "GET": "key",
        "SET": "key number [NX|XX] [GET] [EX seconds|PX ms|EXAT at_seconds|PXAT at_ms|KEEPTTL] "
        "[GET|XX]",
        "SETEX": "key seconds text", "PSETEX": "key ms text", "SETNX": "key text",
        "GETDEL": "key", "GETSET": "key text",
        "GETEX": "key [EX seconds|PX ms|EXAT at_seconds|PXAT at_ms|PERSIST] [PERSIST]",
        "MGET": "{key}", "MSET": "{key text}", "MSETNX": "{key text}",
        "INCR": "key", "DECR": "key", "INCRBY": "key (integer|integer|number)",
        "DECRBY": "key (integer|number)",
        "INCRBYFLOAT": "key float", "APPEND": "key text", "STRLEN": "key",
        "GETRANGE": "key index index", "SUBSTR": "key index index", "SETRANGE": "key offset text",
        "GETBIT": "key offset", "SETBIT": "key offset bit",
        "BITCOUNT": "key [index index] [BIT|BYTE|BITS]",
        "LCS": "key key [IDX|LEN] [MINMATCHLEN index|MINMATCHLEN|WITHMATCHLEN] [WITHMATCHLEN|LEN]",
        "PFADD": "(key|string) [{element}]", "PFCOUNT": "{string}", "PFMERGE": "string [{string}]",
        "BITPOS": "key bit [index [index [BIT|BYTE|BITS]]]",
        "BITOP": "(AND|OR|XOR|NOT|NOR) key {key}",
        "BITFIELD": f"key {{[OVERFLOW WRAP|OVERFLOW SAT|OVERFLOW FAIL] "
        f"(GET {_FIELD}|{_CHANGE})}}",
        "BITFIELD_RO": f"key [GET {_FIELD}] [GET {_FIELD}] [{_CHANGE}|OVERFLOW SAT]",
    },
    "hash": {
        "HGET": "key field", "HMGET": "key {field}", "HSET": "key {field number}",
        "HMSET": "key {field number}", "HSETNX": "key field text", "HGETALL": "key",
        "HKEYS": "key", "HVALS": "key", "HLEN": "key", "HSTRLEN": "key field",
        "HEXISTS": "key field", "HDEL": "key {field}", "HINCRBY": "key field (integer|number)",
        "HINCRBYFLOAT": "key field float", "HRANDFIELD": "key [count|integer|count WITHVALUES]",
        "HSCAN": "key (0|5) [MATCH pattern] [COUNT count]",
    },
    "list": {
        "LPUSH": "key {element}", "RPUSH": "key {element}", "LPUSHX": "key {element}",
        "RPUSHX": "key {element}", "LPOP": "key [count]", "RPOP": "key [count]",
        "LMPOP": "(1 key|1 key|2 key key|2 key key|0 key|3 key) (LEFT|RIGHT|UP) [COUNT count]",
        "RPOPLPUSH": "key key", "LMOVE": "key key (LEFT|RIGHT) (LEFT|RIGHT|UP)", "LLEN": "key",
        "LINDEX": "key index", "LRANGE": "key index index", "LSET": "key (0|0|-1|index) element",
        "LINSERT": "key (BEFORE|AFTER|NEAR) element element", "LREM": "key index element",
        "LTRIM": "key index index",
        "LPOS": "key element [RANK 1|RANK index] [COUNT index] [MAXLEN index]",
        "BLPOP": "list key timeout", "BRPOP": "list timeout",
        "BLMPOP": "timeout (1 list|2 list list) (LEFT|RIGHT) [COUNT count]",
        "BRPOPLPUSH": "list list timeout",
        "BLMOVE": "list list LEFT (RIGHT|RIGHT|RIGHT|UP) (0|0|timeout)",
    },
    "set": {
        "SADD": "key {member}", "SREM": "key {member}", "SCARD": "key", "SMEMBERS": "key",
        "SISMEMBER": "key member", "SMISMEMBER": "key {member}", "SPOP": "key [count|index]",
        "SRANDMEMBER": "key [index]", "SMOVE": "key key member", "SINTER": "{key}",
        "SUNION": "{key}", "SDIFF": "{key}",
        "SINTERCARD": f"{_NUMKEYS} [LIMIT small|LIMIT small|LIMIT X]",
        "SINTERSTORE": "key {key}", "SUNIONSTORE": "key {key}", "SDIFFSTORE": "key {key}",
        "SSCAN": "key 0 [MATCH pattern] [COUNT 100]",
    },
    "zset": {
        "ZADD": "key [NX|XX] [GT|LT] [CH] [INCR] {score_or_worse member}",
        "ZINCRBY": "key score_or_worse member", "ZREM": "key {member}", "ZCARD": "key",
        "ZSCORE": "key member", "ZMSCORE": "key {member}", "ZRANK": "key member",
        "ZREVRANK": "key member", "ZRANDMEMBER": "key [index|index WITHSCORES]",
        "ZPOPMIN": "key [count]", "ZPOPMAX": "key [count]",
        "ZMPOP": "(1 zset|1 key|2 key key|2 zset zset|0 key|3 key) (MIN|MAX|MIN|MID) [COUNT count]",
        "ZCOUNT": "key bound_or_worse bound", "ZLEXCOUNT": "key lex lex_or_worse",
        "ZRANGE": "key (index index|bound bound BYSCORE|bound bound REV BYSCORE|lex lex BYLEX|"
        "lex lex BYLEX REV|index index REV) [LIMIT index index] [WITHSCORES] [REV]",
        "ZRANGEBYSCORE": "key bound bound_or_worse [WITHSCORES] [LIMIT index index]",
        "ZREVRANGEBYSCORE": "key bound bound [WITHSCORES] [LIMIT index index]",
        "ZRANGEBYLEX": "key (lex|lex_or_worse) lex [LIMIT index index] [WITHSCORES]",
        "ZREVRANGEBYLEX": "key lex lex [LIMIT index index]",
        "ZREVRANGE": "key index index [WITHSCORES] [LIMIT 0 1|LIMIT 0 -1]",
        "ZRANGESTORE": "key key (index index|bound bound BYSCORE|lex lex BYLEX REV) "
        "[LIMIT index index]",
        "ZREMRANGEBYRANK": "key index index", "ZREMRANGEBYSCORE": "key bound bound_or_worse",
        "ZREMRANGEBYLEX": "key lex lex_or_worse",
        "ZUNION": f"{_NUMKEYS} {_AGGREGATE} [WITHSCORES]",
        "ZINTER": f"{_NUMKEYS} {_AGGREGATE} [WITHSCORES]",
        "ZDIFF": f"{_NUMKEYS} [WITHSCORES]", "ZINTERCARD": f"{_NUMKEYS} [LIMIT index]",
        "ZUNIONSTORE": f"key {_NUMKEYS} {_AGGREGATE}",
        "ZINTERSTORE": f"key {_NUMKEYS} {_AGGREGATE}", "ZDIFFSTORE": f"key {_NUMKEYS}",
        "ZSCAN": "key 0 [MATCH pattern] [COUNT count]",
        "GEOADD": "key [NX|XX] [CH] {east north member}", "GEOPOS": "key {member}",
        "GEOHASH": "key {member}", "GEODIST": "key member member [unit]",
        "GEOSEARCH": f"key {_WHERE} {_WITH} [ASC|DESC|ANY|{_WHERE}]",
        "GEOSEARCHSTORE": f"key key {_WHERE} [COUNT count] [DESC] [STOREDIST|STOREDIST|WITHDIST]",
        "GEORADIUS": f"key east north far unit ({_WITH}|[COUNT count] {_STORE}|{_WITH} {_STORE})",
        "GEORADIUS_RO": f"key east north far unit {_WITH} [STORE key]",
        "GEORADIUSBYMEMBER": f"key member far unit ({_WITH}|[COUNT count] {_STORE})",
        "GEORADIUSBYMEMBER_RO": f"key member far unit {_WITH}",
        "BZPOPMIN": "zset timeout", "BZPOPMAX": "zset key timeout",
        "BZMPOP": "timeout (1 zset|2 zset zset) (MIN|MAX) [COUNT count]",
    },
    "stream": {
        "XADD": "key [NOMKSTREAM] [MAXLEN small|MAXLEN = small|MAXLEN ~ small|MINID id|MINID ~ id|"
        "MAXLEN ~ small LIMIT small|MAXLEN small LIMIT small|LIMIT small] (newid|*|id_or_worse) "
        "{field text}",
        "XTRIM": "key (MAXLEN small|MAXLEN = small|MAXLEN ~ small|MINID id|MINID = id_or_worse|"
        "MAXLEN ~ small LIMIT small|MAXLEN 1 LIMIT 1|MAXLEN index MINID 1)",
        "XLEN": "key", "XRANGE": "key anyid (anyid|id_or_worse) [COUNT index]",
        "XREVRANGE": "key (anyid|id_or_worse) anyid [COUNT index]", "XDEL": "key {id_or_worse}",
        "XSETID": "(x1 9-9|x1 6-0|key id_or_worse) [ENTRIESADDED integer] [MAXDELETEDID id]",
        "XREAD": "[COUNT index] [BLOCK block] STREAMS "
        "(x1 id|stream id|key id_or_worse|stream stream id id|key key id)",
        "XREADGROUP": "GROUP group consumer [COUNT index] [NOACK] [BLOCK block] STREAMS "
        "(x1 >|x1 id|x1 >|key >|key id|stream stream > >|key id_or_worse)",
        "XGROUP CREATE": "key group (0|$|id_or_worse) [MKSTREAM] [ENTRIESREAD integer|ENTRIESREAD]",
        "XGROUP SETID": f"{_GROUP} (0|$|id_or_worse) [ENTRIESREAD integer|MKSTREAM]",
        "XGROUP DESTROY": _GROUP, "XGROUP CREATECONSUMER": f"{_GROUP} consumer",
        "XGROUP DELCONSUMER": f"{_GROUP} consumer", "XGROUP HELP": "", "XGROUP NOPE": "key group",
        "XACK": f"{_GROUP} {{id_or_worse}}",
        "XPENDING": f"{_GROUP} [[IDLE idle] anyid (anyid|id_or_worse) index [consumer]]",
        "XCLAIM": f"{_GROUP} consumer idle {{id}} [IDLE set_idle|TIME at_ms] [RETRYCOUNT retries] "
        "[FORCE] [JUSTID] [LASTID id]",
        "XAUTOCLAIM": f"{_GROUP} consumer idle (anyid|id_or_worse) [COUNT index] [JUSTID]",
        "XINFO STREAM": "key [FULL|FULL COUNT index|FULL COUNT|NOPE]", "XINFO GROUPS": "key",
        "XINFO CONSUMERS": _GROUP, "XINFO HELP": "", "XINFO NOPE": "key",
    },
}  # fmt: skip
"""Per type of the keys that a command is mostly drawn with: what follows its name."""

FILL: Final = (
    "SET string number", "DEL s2", "PFADD s2 {element}", "HSET hash {field number}",
    "RPUSH list {element}", "RPUSH l1 {small}", "SADD set {member}",
    "ZADD zset {score member}", "GEOADD zset {east north member}", "PEXPIRE key ms",
    "XADD stream (1-1|1-2|2-1|3-5|5-0) {field text}", "XADD x1 (1-1|1-2|2-1|3-5|5-0) {field text}",
    "XGROUP CREATE x1 g1 0 MKSTREAM", "XREADGROUP GROUP g1 consumer COUNT 2 STREAMS x1 >",
)  # fmt: skip
"""What fills keys, so that what follows finds something."""
