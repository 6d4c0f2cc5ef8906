'use strict';

const $ = (id) => document.getElementById(id);
let entries = [];
let doc = null;

// element makes an element with attributes and children.
function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === 'class') node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

async function begin() {
  entries = (await (await fetch('/openapi/index.json')).json()).documents;
  const wanted = new URLSearchParams(location.hash.slice(1));
  for (const area of new Set(entries.map((e) => e.area))) $('area').append(new Option(area, area));
  if (wanted.get('area')) $('area').value = wanted.get('area');
  if (!$('area').value) $('area').selectedIndex = 0;
  versions(wanted.get('version'));
  $('area').onchange = () => versions();
  $('version').onchange = load;
  $('filter').oninput = filter;
  await load();
}

function versions(wanted) {
  const list = entries.filter((e) => e.area === $('area').value);
  $('version').replaceChildren(...list.map((e) => new Option(e.version + (e.state === 'stable' ? '' : ` (${e.state})`), e.version)));
  if (wanted && list.some((e) => e.version === wanted)) $('version').value = wanted;
  else if (doc) load();
}

async function load() {
  const entry = entries.find((e) => e.area === $('area').value && e.version === $('version').value);
  location.hash = new URLSearchParams({ area: entry.area, version: entry.version });
  $('document').href = entry.path;
  doc = await (await fetch(entry.path)).json();
  $('about').textContent = doc.info.description;
  const list = [];
  for (const [route, methods] of Object.entries(doc.paths)) {
    for (const [method, operation] of Object.entries(methods)) list.push(show(route, method, operation));
  }
  $('operations').replaceChildren(...list);
  filter();
}

function filter() {
  const wanted = $('filter').value.toLowerCase();
  let shown = 0;
  for (const node of $('operations').querySelectorAll('details')) {
    node.hidden = !node.dataset.text.includes(wanted);
    shown += node.hidden ? 0 : 1;
  }
  let none = $('none');
  if (!none) {
    none = element('p', { class: 'quiet', id: 'none' }, 'No operation matches.');
    $('operations').append(none);
  }
  none.hidden = shown > 0;
}

// show is one operation: its summary, and once it is opened what it takes,
// what it answers, and a form to try it.
function show(route, method, operation) {
  const node = element('details', {},
    element('summary', {},
      element('span', { class: `method ${method}` }, method.toUpperCase()),
      element('span', { class: 'words' }, operation.summary || operation.operationId, element('code', { class: 'route' }, route))));
  node.dataset.text = `${method} ${route} ${operation.operationId} ${operation.summary || ''}`.toLowerCase();
  node.addEventListener('toggle', () => {
    if (node.open && node.children.length === 1) node.append(form(route, method, operation));
  });
  return node;
}

function form(route, method, operation) {
  const box = element('form', { class: 'form' });
  if (operation.description) box.append(element('p', {}, operation.description));
  const inputs = [];
  for (const p of operation.parameters) {
    if (p.name === 'api-version') continue;
    const input = element('input', { placeholder: p.description || '', ...(p.required ? { required: '' } : {}) });
    inputs.push([p, input]);
    box.append(element('label', {}, `${p.name}${p.required ? '' : ' (optional)'}, in the ${p.in}`, input));
  }
  let body = null;
  let type = '';
  let untouched = null;
  if (operation.requestBody) {
    const [[media, content]] = Object.entries(operation.requestBody.content);
    type = media;
    body = element('textarea', { spellcheck: 'false' });
    untouched = sample(content.schema, 0);
    body.value = JSON.stringify(untouched, null, 2);
    box.append(element('label', {}, `Body, ${media}${operation.requestBody.required ? '' : ' (may be empty)'}`, body));
  }
  const rows = Object.entries(operation.responses).map(([status, r]) => element('tr', {}, element('td', {}, status), element('td', {}, r.description)));
  box.append(element('table', {}, element('thead', {}, element('tr', {}, element('th', {}, 'Status'), element('th', {}, 'Meaning'))), element('tbody', {}, ...rows)));
  const button = element('button', { type: 'submit' }, 'Send');
  const answer = element('div', { 'aria-live': 'polite' });
  box.append(button, answer);
  box.onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      answer.replaceChildren(...await send(route, method, operation, inputs, body ? body.value : '', untouched, type));
    } catch (error) {
      answer.replaceChildren(element('p', { class: 'status bad' }, String(error.message || error)));
    }
    button.disabled = false;
  };
  return box;
}

// sample is a value of a schema, to begin with.
function sample(schema, depth) {
  if (schema.$ref) schema = doc.components.schemas[schema.$ref.split('/').pop()];
  if (depth > 4) return null;
  switch (schema.type) {
    case 'object': {
      const out = {};
      for (const [name, member] of Object.entries(schema.properties || {})) out[name] = sample(member, depth + 1);
      return out;
    }
    case 'array': return [];
    case 'boolean': return false;
    case 'integer': case 'number': return null;
    case 'string': return '';
    default: return null;
  }
}

// prune leaves out what stands as the sample has it, not filled in. What was
// typed is sent as it is, null and empty texts too.
function prune(value, sample) {
  if (value === null || value === '') return value === sample ? undefined : value;
  if (typeof value !== 'object' || Array.isArray(value)) return value;
  if (sample === null || typeof sample !== 'object') return value;
  const out = {};
  for (const [name, member] of Object.entries(value)) {
    const kept = prune(member, Object.hasOwn(sample, name) ? sample[name] : undefined);
    if (kept !== undefined) out[name] = kept;
  }
  return Object.keys(out).length ? out : undefined;
}

async function send(route, method, operation, inputs, text, untouched, type) {
  let path = route;
  const query = new URLSearchParams({ 'api-version': doc.info.version });
  const headers = {};
  for (const [p, input] of inputs) {
    if (!input.value) continue;
    if (p.in === 'path') path = path.replace(`{${p.name}}`, encodeURIComponent(input.value));
    else if (p.in === 'query') query.set(p.name, input.value);
    else headers[p.name] = input.value;
  }
  let body;
  if (text.trim()) {
    headers['Content-Type'] = type;
    body = type.includes('json') ? JSON.stringify(prune(JSON.parse(text), untouched) ?? {}) : text;
  }
  const target = `${path}?${query}`;
  await authorize(operation, method.toUpperCase(), target, body || '', headers);
  const began = performance.now();
  const response = await fetch(target, { method: method.toUpperCase(), headers, body });
  const took = Math.round(performance.now() - began);
  let shown = await response.text();
  try { shown = JSON.stringify(JSON.parse(shown), null, 2); } catch { /* no JSON: as it is */ }
  const list = [...response.headers].map(([name, value]) => `${name}: ${value}`).join('\n');
  return [
    element('p', { class: `status ${response.ok ? 'good' : 'bad'}` }, `${response.status} ${response.statusText}, ${took} ms`),
    element('pre', {}, shown || '(no body)'),
    element('details', {}, element('summary', {}, 'Headers'), element('pre', {}, list)),
  ];
}

async function authorize(operation, method, target, body, headers) {
  const takesKey = (operation.security || []).some((s) => 'accessKey' in s);
  const bearer = $('bearer').value.trim();
  const key = ($('key').value.match(/accesskey=(.+)$/i) || [null, $('key').value])[1].trim();
  if (takesKey && key) {
    if (!crypto.subtle) throw new Error('The browser signs on https and on localhost only. Open the page there.');
    const encoder = new TextEncoder();
    const base64 = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
    let raw;
    try { raw = Uint8Array.from(atob(key), (c) => c.charCodeAt(0)); } catch { throw new Error('The access key is not base64.'); }
    const hash = base64(await crypto.subtle.digest('SHA-256', encoder.encode(body)));
    const date = new Date().toUTCString();
    const secret = await crypto.subtle.importKey('raw', raw, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
    const signature = base64(await crypto.subtle.sign('HMAC', secret, encoder.encode(`${method}\n${target}\n${date};${location.host};${hash}`)));
    headers['x-ms-date'] = date;
    headers['x-ms-content-sha256'] = hash;
    headers.Authorization = `HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=${signature}`;
  } else if (bearer) {
    headers.Authorization = `Bearer ${bearer}`;
  } else if ((operation.security || []).length) {
    throw new Error(takesKey ? 'Give a connection string or a bearer token first.' : 'Give a bearer token first.');
  }
}

begin().catch((error) => $('operations').replaceChildren(element('p', { class: 'status bad' }, String(error.message || error))));
