import time, pytest
from dataclasses import replace
from service.domain import Decision, VerdictFilter
import service.adapters.sql_bulk as sb, service.review.bulk as rb
from service.review.bulk import BulkDecision
from service.review.case import CaseFilter
from service.review.opening import CaseOpening
from service.domain import Post
from service.routing import Routing
from tests.review.desk import Reviewed, ruled, twins
class T:
    async def put(self,v): pass
    async def announce(self): pass
    def trouble(self,*a): print(a)

@pytest.mark.parametrize("n",[3000,10000])
async def test_bulk(desk,n):
    sb.MOST=20000
    for s in range(0,n,500):
        posts=[Post(platform="x",id=str(i),text=f"text {i}") for i in range(s,s+500)]
        vs=[desk.asking(p) for p in posts]
        await desk.store.record(posts,[replace(v,judgement=replace(v.judgement,cluster="c")) for v in vs])
    b=BulkDecision(cluster="c",moderator="m-1",ruled=ruled())
    t=time.time(); p=await desk.review.preview(b); t1=time.time()
    o=await desk.review.apply(b,p.token); t2=time.time()
    try:
        u=await desk.undo("m-1"); n2=len(u.verdicts)
    except Exception as e: n2=repr(e)
    t3=time.time()
    print(f"\nBULK {desk.store._writer.dialect.name} n={n} preview {t1-t:.2f} apply {t2-t1:.2f} undo {t3-t2:.2f} {n2}")

async def test_text(desk):
    n=10000
    for s in range(0,n,500):
        posts=twins(count=500,start=s)
        await desk.open(posts)
    t=time.time()
    [c]=await desk.lease("m-1")
    o=await desk.decide(c,"m-1",ruled())
    t1=time.time()
    op=CaseOpening(desk.review,desk.store,cache=T(),announcer=T(),routing=Routing,observer=T())
    await op.handle(o.verdicts[:200]); t2=time.time()
    left=await desk.review.unlike([c.content_digest]); t3=time.time()
    print(f"\nTEXT {desk.store._writer.dialect.name} decide {t1-t:.2f} ({len(o.verdicts)}) rest {t2-t1:.2f} left {len(left)} scan {t3-t2:.2f}")
