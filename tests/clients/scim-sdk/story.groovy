// A provisioning program that uses the SCIM SDK of UnboundID. SCIM_URL is the base URL and TOKEN the bearer token. It prints the
// names of the chapters that it went through; a failed assertion ends it.
import com.unboundid.scim2.client.ScimService
import com.unboundid.scim2.common.GenericScimResource
import com.unboundid.scim2.common.bulk.BulkOperation
import com.unboundid.scim2.common.exceptions.*
import com.unboundid.scim2.common.filters.Filter
import com.unboundid.scim2.common.messages.PatchOperation
import com.unboundid.scim2.common.messages.SortOrder
import com.unboundid.scim2.common.types.*
import jakarta.ws.rs.client.ClientBuilder
import jakarta.ws.rs.client.ClientRequestFilter
import org.glassfish.jersey.apache5.connector.Apache5ConnectorProvider
import org.glassfish.jersey.client.ClientConfig

def client = ClientBuilder.newClient(new ClientConfig().connectorProvider(new Apache5ConnectorProvider()))
client.register({ request -> request.headers.putSingle('Authorization', "Bearer ${System.getenv('TOKEN')}".toString()) } as ClientRequestFilter)
def scim = new ScimService(client.target(System.getenv('SCIM_URL')))
final ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User'

def chapters = [
    discovery: {
        def config = scim.serviceProviderConfig
        assert config.patch.supported && config.filter.supported && config.sort.supported && config.etag.supported
        assert config.filter.maxResults >= 100
        assert config.authenticationSchemes
        assert scim.resourceTypes*.name.containsAll(['User', 'Group'])
        assert scim.getResourceType('User').schema == new URI('urn:ietf:params:scim:schemas:core:2.0:User')
        assert scim.schemas*.id.contains(ENTERPRISE)
        assert scim.getSchema(ENTERPRISE).attributes*.name.containsAll(['employeeNumber', 'manager'])
    },
    life_of_a_user: {
        def wanted = new UserResource().setUserName('ann.sdk').setDisplayName('Ann')
            .setName(new Name().setGivenName('Ann').setFamilyName('Archer'))
            .setEmails([new Email().setValue('ann.sdk@example.com').setType('work').setPrimary(true)])
            .setPhoneNumbers([new PhoneNumber().setValue('tel:+1-201-555-0123').setType('mobile')])
        wanted.externalId = 'hr-1'
        wanted.setExtension(new EnterpriseUserExtension().setDepartment('Archery').setEmployeeNumber('701984'))
        def ann = scim.create('Users', wanted)
        assert ann.id && ann.meta.resourceType == 'User' && ann.meta.version && ann.meta.created == ann.meta.lastModified
        assert ann.getExtension(EnterpriseUserExtension).department == 'Archery'
        assert scim.retrieve('Users', ann.id, UserResource) == ann
        assert scim.retrieve(ann.meta.location, UserResource) == ann
        // Without a change the client gets no body.
        try {
            scim.retrieveRequest(ann).ifNoneMatch().invoke()
            assert false: 'not modified'
        } catch (NotModifiedException expected) { }
        def few = scim.retrieveRequest('Users', ann.id).attributes('name.givenName').invoke(UserResource)
        assert few.name.givenName == 'Ann' && few.userName == null && few.id == ann.id
        def without = scim.retrieveRequest('Users', ann.id).excludedAttributes('emails').invoke(UserResource)
        assert without.emails == null && without.userName == 'ann.sdk'

        ann.displayName = 'Ann Archer'
        def replaced = scim.replaceRequest(ann).ifMatch().invoke()
        assert replaced.displayName == 'Ann Archer' && replaced.meta.version != ann.meta.version
        try {
            scim.replaceRequest(ann).ifMatch().invoke()
            assert false: 'the version is an old one'
        } catch (PreconditionFailedException expected) { }

        def patched = scim.modifyRequest(replaced).ifMatch()
            .replaceValue('displayName', 'Annie')
            .addValues('emails', new Email().setValue('ann@example.org').setType('home'))
            .replaceValue('phoneNumbers[type eq "mobile"].value', 'tel:+1-201-555-0199')
            .replaceValue(ENTERPRISE + ':department', 'Range')
            .removeValues('externalId')
            .invoke()
        assert patched.displayName == 'Annie' && patched.emails*.type as Set == ['work', 'home'] as Set
        assert patched.phoneNumbers[0].value == 'tel:+1-201-555-0199' && patched.externalId == null
        assert patched.getExtension(EnterpriseUserExtension).department == 'Range'
        try {
            scim.create('Users', new UserResource().setUserName('ANN.SDK'))
            assert false: 'the name is taken'
        } catch (ResourceConflictException taken) {
            assert taken.scimError.scimType == 'uniqueness'
        }
        try {
            scim.modifyRequest(patched).replaceValue('emails[type eq "other"]', new Email().setValue('a@example.org')).invoke()
            assert false: 'there is no such value'
        } catch (BadRequestException nothing) {
            assert nothing.scimError.scimType == 'noTarget'
        }
        scim.deleteRequest(patched).ifMatch().invoke()
        try {
            scim.retrieve(patched)
            assert false: 'the user is deleted'
        } catch (ResourceNotFoundException expected) { }
        scim.delete(scim.create('Users', new UserResource().setUserName('ann.sdk')))
    },
    searches: {
        def made = (0..<25).collect { scim.create('Users', new UserResource().setUserName(sprintf('page%02d', it)).setDisplayName("Number $it")) }
        def page = scim.searchRequest('Users').filter('userName sw "page"').sort('userName', SortOrder.DESCENDING).page(1, 10).invoke(UserResource)
        assert page.totalResults == 25 && page.itemsPerPage == 10 && page.resources[0].userName == 'page24'
        def last = scim.searchRequest('Users').filter(Filter.sw('userName', 'page')).sort('userName', SortOrder.ASCENDING).page(21, 10).invoke(UserResource)
        assert last.startIndex == 21 && last.resources*.userName == (20..24).collect { sprintf('page%02d', it) }
        def posted = scim.searchRequest('Users').filter('userName eq "page07" or userName eq "PAGE08"').attributes('displayName').invokePost(UserResource)
        assert posted.resources*.displayName as Set == ['Number 7', 'Number 8'] as Set && posted.resources.every { it.userName == null }
        assert scim.search('Users', 'userName eq "nobody.at.all"', UserResource).totalResults == 0
        try {
            scim.search('Users', 'userName regex "x"', UserResource)
            assert false: 'there is no such operator'
        } catch (BadRequestException refused) {
            assert refused.scimError.scimType == 'invalidFilter'
        }
        def seen = [], next = null
        while (true) {
            def request = scim.searchRequest('Users').filter('userName sw "page"').sort('userName', SortOrder.ASCENDING)
            def found = (next == null ? request.firstPageCursorWithCount(10) : request.pageWithCursor(next, 10)).invoke(UserResource)
            seen.addAll(found.resources*.userName)
            next = found.nextCursor
            if (next == null) break
        }
        assert seen == (0..24).collect { sprintf('page%02d', it) }
        made.each { scim.delete(it) }
    },
    groups: {
        def people = ['bob.sdk', 'cas.sdk'].collect { scim.create('Users', new UserResource().setUserName(it)) }
        def inner = scim.create('Groups', new GroupResource().setDisplayName('Archers SDK').setMembers([new Member().setValue(people[0].id)]))
        assert inner.members*.value == [people[0].id] && inner.members[0].ref == people[0].meta.location
        def outer = scim.create('Groups', new GroupResource().setDisplayName('Club SDK'))
        // 204 without a body, as the standard allows.
        scim.modifyRequest(outer).addValues('members', new Member().setValue(inner.id).setType('Group')).invoke(Void)
        scim.modifyRequest(inner).addValues('members', new Member().setValue(people[1].id)).invoke(Void)
        assert scim.retrieve('Groups', outer.id, GroupResource).members*.value == [inner.id]
        assert scim.search('Groups', "members.value eq \"${people[1].id}\"", GroupResource).resources*.id == [inner.id]
        scim.modifyRequest(inner).removeValues("members[value eq \"${people[0].id}\"]").invoke(Void)
        def now = scim.retrieve('Groups', inner.id, GroupResource)
        assert now.members*.value == [people[1].id]
        now.displayName = 'Bowmen SDK'
        assert scim.replaceRequest(now).ifMatch().invoke().displayName == 'Bowmen SDK'
        def named = scim.searchRequest('Groups').filter('displayName eq "bowmen sdk"').excludedAttributes('members').invoke(GroupResource)
        assert named.totalResults == 1 && named.resources[0].members == null
        (people + [scim.retrieve(now), outer]).each { scim.delete(it) }
    },
    bulk: {
        assert scim.serviceProviderConfig.bulk.supported && scim.serviceProviderConfig.bulk.maxOperations >= 1000
        def user = BulkOperation.post('/Users', new UserResource().setUserName('dora.sdk')).setBulkId('dora')
        def group = BulkOperation.post('/Groups', new GroupResource().setDisplayName('Bulk SDK')
            .setMembers([new Member().setValue('bulkId:dora').setType('User')])).setBulkId('group')
        def results = scim.bulkRequest().append(user, group).invoke().operations
        assert results*.status == ['201', '201'] && results*.bulkId == ['dora', 'group']
        def ids = results.collect { it.location.split('/')[-1] }
        assert scim.retrieve('Groups', ids[1], GroupResource).members*.value == [ids[0]]
        def changes = scim.bulkRequest().append(
            BulkOperation.patch("/Users/${ids[0]}", PatchOperation.replace('displayName', 'Dora')),
            BulkOperation.delete('/Users/2819c223-7f76-453a-919d-413861904646'),
            BulkOperation.delete("/Groups/${ids[1]}")).invoke().operations
        assert changes*.status == ['200', '404', '204']
        assert scim.retrieve('Users', ids[0], UserResource).displayName == 'Dora'
        scim.delete('Users', ids[0])
    },
]
args.each { chapter ->
    chapters[chapter]()
    println chapter
}
