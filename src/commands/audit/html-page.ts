/** Light and dark, on a phone and in print; colours have a contrast of at least 4.5 to 1. */
export const STYLE = `
:root{color-scheme:light dark;--ink:#1c2024;--soft:#5c6670;--line:#d5dbe1;--paper:#fff;--card:#f4f6f8;--bad:#b3261e;--warn:#8a5300;--good:#1b6e3c;--link:#0b57d0}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ec;--soft:#a3adb8;--line:#3a424a;--paper:#14171a;--card:#1e2328;--bad:#ff8a80;--warn:#ffb95c;--good:#6fd694;--link:#8ab4f8}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:90rem;padding:1rem;background:var(--paper);color:var(--ink);font:16px/1.45 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:1.5rem 0 .5rem}
p{margin:.25rem 0;color:var(--soft);overflow-wrap:anywhere}
.counts{display:grid;grid-template-columns:repeat(auto-fit,minmax(8rem,1fr));gap:.5rem;margin:1rem 0;padding:0;list-style:none}
.counts li{background:var(--card);border-radius:.5rem;padding:.5rem .75rem;color:var(--soft)}
.counts b{display:block;color:var(--ink);font-size:1.5rem;font-variant-numeric:tabular-nums}
form{display:flex;flex-wrap:wrap;gap:.5rem;margin:1rem 0;align-items:center}
input,select{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.4rem .6rem;min-height:2.5rem}
input[type=search]{flex:1 1 14rem;min-width:0}input::placeholder{color:var(--soft);opacity:1}
select{flex:0 1 auto;min-width:0;max-width:100%}select[name=sort]{display:none}
output{color:var(--soft)}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.5rem .6rem;border-bottom:1px solid var(--line)}
td{min-width:6rem;overflow-wrap:anywhere}td.k{min-width:0;white-space:nowrap}td.n{min-width:0}td.m{min-width:13rem}td.t{width:45%}
small{display:block;color:var(--soft)}
th{position:sticky;top:0;background:var(--paper);white-space:nowrap}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--link)}
th button::after{content:" \\2195";color:var(--soft);font-weight:400}
th[aria-sort=ascending] button::after{content:" \\2191";color:inherit}th[aria-sort=descending] button::after{content:" \\2193";color:inherit}
.n{text-align:right;font-variant-numeric:tabular-nums}
.refused{color:var(--bad);font-weight:600}.warned{color:var(--warn);font-weight:600}.admitted{color:var(--good)}
ul{margin:0;padding-left:1.1rem}
pre{margin:.3rem 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font-size:.8rem}
tr[hidden]{display:none}
@media screen and (max-width:46rem){
input[type=search]{flex-basis:100%}select{flex:1 1 40%}select[name=sort]{display:block}output{flex:1 1 100%}
#objects thead{display:none}#objects,#objects tbody,#objects tr{display:block}
#objects tr{border:1px solid var(--line);border-radius:.5rem;margin:0 0 .75rem;padding:.4rem 0}
#objects td{min-width:0;display:grid;grid-template-columns:6.5rem 1fr;border:0;padding:.15rem .75rem;text-align:left;white-space:normal;width:auto}
#objects td:empty,#objects tr[hidden]{display:none}
#objects td::before{content:attr(data-label);color:var(--soft);font-size:.8rem;font-weight:400}
#objects td.t{display:block}
.small th,.small td{padding:.4rem .3rem;min-width:0}}
@media print{@page{size:A4 landscape;margin:12mm}form{display:none}body{max-width:none;padding:0;font-size:8.5pt}
h1{font-size:14pt}.counts{grid-template-columns:repeat(auto-fit,minmax(6rem,1fr))}.counts b{font-size:13pt}
th,td{padding:.25rem .4rem}td.m{min-width:11rem}th{position:static}th button::after{content:none!important}tr{break-inside:avoid}thead{display:table-header-group;break-inside:avoid}}
`;

/** Sorts and filters the rows that are there; without it the page is a plain table. */
export const SCRIPT = `
"use strict";{
const body=document.querySelector("#objects tbody"),form=document.querySelector("form"),rows=[...body.rows];
const texts=new Map(rows.map(row=>[row,row.textContent.toLowerCase()]));
function filter(){
  const {text,verdict,namespace,kind}=form.elements;
  const words=text.value.toLowerCase().split(/\\s+/).filter(Boolean);
  let shown=0;
  for(const row of rows){
    const fits=words.every(word=>texts.get(row).includes(word))&&(!verdict.value||row.dataset.verdict===verdict.value)
      &&(!namespace.value||row.dataset.namespace===namespace.value)&&(!kind.value||row.dataset.kind===kind.value);
    row.hidden=!fits;if(fits)shown++;
  }
  form.querySelector("output").value=shown+" of "+rows.length;
}
form.addEventListener("input",filter);form.addEventListener("submit",event=>event.preventDefault());
const heads=[...document.querySelectorAll("#objects th")],order=["refused","warned","admitted"];
function sort(column,down){
  const head=heads[column],sign=down?-1:1;
  for(const other of heads)other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort",down?"descending":"ascending");
  const key=row=>row.cells[column].textContent;
  const compare=head.classList.contains("n")?(a,b)=>Number(key(a)||0)-Number(key(b)||0)
    :head.textContent==="Verdict"?(a,b)=>order.indexOf(key(a))-order.indexOf(key(b))
    :(a,b)=>key(a).localeCompare(key(b),"en");
  rows.sort((a,b)=>sign*compare(a,b));
  body.append(...rows);
}
for(const [column,head] of heads.entries())
  head.querySelector("button").addEventListener("click",()=>sort(column,head.getAttribute("aria-sort")==="ascending"));
form.elements.sort.addEventListener("change",({target})=>{
  if(target.value!=="")sort(Number(target.value),heads[target.value].classList.contains("n"));
});
filter();}
`;
